import type { Context } from 'hono'
import { AuthorizationError } from '../authorization/authorization_error.ts'
import { respondToClient } from '../authorization/authorization_response.ts'
import { type CodeHolder, issueCode } from '../authorization/issue_code.ts'
import { lifetimesOf } from '../clients/lifetimes.ts'
import type { Form } from '../pages/form.ts'
import { describeMethods } from '../signin/describe_methods.ts'
import { nextStep } from '../signin/next_step.ts'
import { generateVisitorId } from '../users/visitor.ts'
import { scopeOfGuest } from './authorize_visitor.ts'
import type { BrowserServices } from './browser_services.ts'
import { goToPage } from './go_to_page.ts'
import { hasLink } from './page_link.ts'
import type { SignedInUser } from './read_signed_in.ts'
import { sendToClient } from './send_to_client.tsx'
import { showStep } from './show_step.tsx'
import { type Situation, scopesOf } from './situation.ts'

/**
 * Shows the next page, or sends the browser to the client with a code or an error.
 *
 * @param after Whether the request is a form, and the values of a refused form.
 */
export async function takeNextStep(
  c: Context,
  situation: Situation,
  services: BrowserServices,
  { isForm = false, typed = null }: { isForm?: boolean; typed?: Form | null } = {},
): Promise<Response> {
  const next = nextStep(situation.known)
  const { request } = situation.browserRequest
  if (next.kind === 'fail') throw new AuthorizationError(next.error, request)
  if (next.kind === 'show') {
    recordSignIn(situation, null, services)
    const show = isForm && hasLink(next.step) ? goToPage : showStep
    return show(c, { ...next, typed }, situation, services)
  }
  const isGuest = next.user === null
  const issuing = isGuest ? issueToGuest(situation, services) : issueToUser(situation, services)
  const issued = await issuing.catch((error) => {
    recordSignIn(situation, null, services)
    throw error
  })
  recordSignIn(situation, issued.sid, services)
  return sendToClient(c, respondToClient({ code: issued.code }, request, services.config.issuer), services)
}

/**
 * Issues a code to a user. The budget counts the codes of a user from any IP address, because the second use of each code writes
 * a row that the feed lists.
 *
 * @throws AuthorizationError temporarily_unavailable if the budget is used up
 */
async function issueToUser(situation: Situation, services: BrowserServices) {
  const { browserRequest, signedIn, pending, consentId, known, validFrom } = situation
  if (pending !== null) throw new Error('a finished sign-in is still pending')
  const { request, context } = browserRequest
  const { session } = requireSignedIn(signedIn)
  const { subject, authTime: time, amr, acr, id: browser } = session
  if (!(await services.bursts.isWithin('sign_ins', `codes ${subject}`)))
    throw new AuthorizationError('too_many_requests', request)
  const holder: CodeHolder = {
    subject,
    auth: { time, amr, acr, browser },
    consent: consentId === null ? null : { id: consentId, given: known.consent.given === true },
    validFrom,
  }
  return issueCode(holder, { ...request, scope: scopesOf(situation) }, context, services)
}

/** Issues a code to a new guest. The session of the guest of `visitor_access_token` may have ended. @throws AuthorizationError */
async function issueToGuest({ browserRequest }: Situation, services: BrowserServices) {
  const { request, context } = browserRequest
  const holder: CodeHolder = { subject: generateVisitorId(), auth: null, consent: null, validFrom: 0 }
  const scope = scopeOfGuest(browserRequest)
  return issueCode(holder, { ...request, scope, visitor: null }, context, services)
}

/**
 * Records the sign-in of this request after the response: as an audit event, and that of a password for the guard. If guesses lock
 * the account within a minute, the browser session and its sessions end.
 *
 * @param sid The session that the code names; null if the sign-in continues with another page or has failed.
 */
function recordSignIn(
  { browserRequest, signedIn, signIn, hasSignedIn }: Situation,
  sid: string | null,
  { guard, audit }: BrowserServices,
): void {
  if (!hasSignedIn || signedIn === null) return
  const { client, api, context } = browserRequest
  const { session } = signedIn
  const { authTime: startedAt, subject } = session
  if (signIn !== null) {
    const expiresAt = startedAt + lifetimesOf(client, api).refreshTokenSeconds
    const browser = { id: session.id, keepUntil: session.endsAt }
    guard.recordSignIn(signIn, { sid, browser, clientId: client.id, api: api.name, startedAt, expiresAt })
  }
  const reason = describeMethods(session)
  const who = { api: api.name, clientId: client.id, subject, sid: null, grant: 'authorization_code' }
  audit.record({ kind: 'browser_sign_in', outcome: 'ok', reason, ...who }, context)
}

function requireSignedIn(signedIn: SignedInUser | null): SignedInUser {
  if (signedIn === null) throw new Error('a finished sign-in has no user')
  return signedIn
}

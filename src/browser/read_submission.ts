import type { Context } from 'hono'
import type { AuthorizationRequest } from '../authorization/authorization_request.ts'
import type { Form } from '../pages/form.ts'
import { readForm } from '../pages/read_form.ts'
import { advance, type Step } from '../signin/next_step.ts'
import type { SignInProblem } from '../signin/sign_in_problem.ts'
import { restoreBrowserRequest } from './browser_request.ts'
import type { BrowserServices } from './browser_services.ts'
import { type FormTicket, hasExpired, openTicket, TICKET_FIELD } from './form_ticket.ts'
import { readEarly } from './read_early.ts'
import { restorePending } from './restore_pending.ts'
import { readSituation, type Situation } from './situation.ts'

/** The button of each form that cancels the sign-in. */
export const CANCEL = { name: 'decision', value: 'cancel' } as const

const REQUESTED_CODE = { kind: 'requested_email_code' } as const

/** The form does not have a ticket of this server for its page, so no page can continue the request. */
export class BrokenForm extends Error {
  override name = 'BrokenForm'
}

/** A form of a page. */
export interface Submission {
  form: Form
  situation: Situation
  /** Whether the form belongs to this browser and to its current state. If not, the form grants nothing. */
  isAccepted: boolean
}

/**
 * Reads a form of a page. A form that is not accepted still contains the request, so the next page can continue the request. It shows
 * the signed-in user and the reason.
 *
 * @throws BrokenForm, PageError, UnprovenRequest, StorageUnavailable
 */
export async function readSubmission(c: Context, step: Step, services: BrowserServices): Promise<Submission> {
  const form = await readForm(c)
  const ticket = await openTicket(form.text(TICKET_FIELD), services.formSealer)
  if (ticket?.step !== step) throw new BrokenForm()
  const { situation, isAccepted } = await resume(c, { ticket, form }, services)
  const isCancelled = isAccepted && form.text(CANCEL.name) === CANCEL.value
  const known = isCancelled ? advance(situation.known, { kind: 'cancel' }) : situation.known
  return { form, situation: { ...situation, known }, isAccepted: isAccepted && !isCancelled }
}

/**
 * Continues the request of a ticket: that of a form, or that in the URL of a page, which has no form.
 *
 * @throws UnprovenRequest, OAuthError, StorageUnavailable
 */
export async function resume(
  c: Context,
  { ticket, form }: { ticket: FormTicket; form: Form | null },
  services: BrowserServices,
): Promise<Omit<Submission, 'form'>> {
  const request = requestOf(ticket, services.clock.now())
  const browserRequest = await restoreBrowserRequest(c, request, services)
  const [read, early] = await Promise.all([
    readSituation(c, browserRequest, services),
    readEarly(c, { ticket, form, browserRequest }, services),
  ])
  const problem = await findProblem(c, ticket, read, services)
  if (problem !== null) return { situation: refuse(read, problem), isAccepted: false }
  const { pending, requestedCode, secondFactorCode, signUp, canHavePasskey, offersPasskey } = ticket
  const situation =
    pending === null ? read : await restorePending(pending, { situation: read, early }, services)
  if (situation === null) return { situation: refuse(read, { kind: 'other_session' }), isAccepted: false }
  const account = { isChosen: ticket.isAccountChosen, mustCheck: false }
  const known = requestedCode === null ? situation.known : advance(situation.known, REQUESTED_CODE)
  const started = signUp?.started ?? null
  const inputs = { requestedCode, secondFactorCode, signUp: started, factorRead: early?.factor ?? null }
  const passkeyRead = early?.passkey ?? null
  const state = { account, offersPasskey, signUp: signUp?.step ?? null }
  const next = { ...situation, ...inputs, passkeyRead, canHavePasskey, known: { ...known, ...state } }
  return { situation: next, isAccepted: true }
}

/** The state after a form that is not accepted. The next page does not continue a pending sign-in. */
function refuse(situation: Situation, problem: SignInProblem): Situation {
  const account = { isChosen: false, mustCheck: true }
  return { ...situation, known: { ...situation.known, account, problem } }
}

/** The request of a form. An expired form makes a new request, so that `prompt=login` and `max_age` need a newer sign-in. */
function requestOf(ticket: FormTicket, now: number): AuthorizationRequest {
  return hasExpired(ticket, now) ? { ...ticket.request, receivedAt: now } : ticket.request
}

/** Why the form is not accepted; null if it is. */
async function findProblem(
  c: Context,
  ticket: FormTicket,
  { signedIn, browserRequest }: Situation,
  { cookies }: BrowserServices,
): Promise<SignInProblem | null> {
  const formId = await cookies.readFormId(c)
  if (formId === null) return { kind: 'no_cookie' }
  if (formId !== ticket.formId) return { kind: 'other_browser' }
  if (hasExpired(ticket, browserRequest.context.now)) return { kind: 'expired_form' }
  return (signedIn?.session.id ?? null) === ticket.browserId ? null : { kind: 'other_session' }
}

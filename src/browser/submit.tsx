import type { Context } from 'hono'
import { randomId } from '../lib/bytes.ts'
import { OAuthError } from '../oauth/errors.ts'
import { Parameters } from '../oauth/parameters.ts'
import type { Form } from '../pages/form.ts'
import { PageError } from '../pages/page_error.tsx'
import { readForm } from '../pages/read_form.ts'
import { type BrowserSession, ONE_FACTOR } from '../signin/browser_session.ts'
import { advance, nextStep } from '../signin/next_step.ts'
import { authenticateUser } from '../users/authenticate_user.ts'
import { findBreach } from '../users/breaches/find_breach.ts'
import { renewHash } from '../users/renew_hash.ts'
import { issueTimeOf } from '../users/user.ts'
import { restoreBrowserRequest } from './browser_request.ts'
import type { BrowserServices } from './browser_services.ts'
import { openTicket, TICKET_FIELD } from './form_ticket.ts'
import { showStep } from './show_step.tsx'
import { consentIdFor, knownUser, readSituation, type Situation } from './situation.ts'
import { takeNextStep } from './take_next_step.ts'

/** A form whose ticket belongs to this browser. */
interface Submission {
  form: Form
  situation: Situation
}

/** Reads a form of the pages. @throws PageError, UnprovenRequest */
async function readSubmission(c: Context, services: BrowserServices): Promise<Submission> {
  const form = await readForm(c)
  const opened = await openTicket(form.text(TICKET_FIELD), services.formSealer, services.clock.now())
  if (opened === null) throw new PageError(BROKEN_FORM)
  const formId = await services.cookies.readFormId(c)
  if (formId === null) throw new PageError(NO_COOKIE)
  if (formId !== opened.ticket.formId) throw new PageError(BROKEN_FORM)
  const situation = await readSituation(c, await restoreBrowserRequest(c, opened.request, services), services)
  if (opened.hasExpired || (situation.session?.id ?? null) !== opened.ticket.browserId)
    throw new StaleForm(situation)
  return { form, situation }
}

/** The form is older than its page may be, or another tab signed in or out. The next page shows the current state. */
class StaleForm extends Error {
  override name = 'StaleForm'
  readonly situation: Situation

  constructor(situation: Situation) {
    super('the form is out of date')
    this.situation = situation
  }
}

const BROKEN_FORM = {
  status: 400,
  title: 'This form does not work any more',
  text: 'Nothing was changed. Go back to the application and start again.',
}
const NO_COOKIE = {
  status: 400,
  title: 'Your browser sent no cookie',
  text: 'Allow cookies for this site, then go back to the application and start again.',
}

/** Handles the form of the sign-in page. */
export async function submitSignIn(c: Context, services: BrowserServices): Promise<Response> {
  return withFreshForm(c, services, async ({ form, situation }) => {
    const username = form.text('username')
    try {
      return await signInAndGoOn(c, { username, password: form.text('password') }, situation, services)
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error
      return showRefusal(c, { error, username }, situation, services)
    }
  })
}

/** Handles the form of the consent page. */
export async function submitConsent(c: Context, services: BrowserServices): Promise<Response> {
  return withFreshForm(c, services, ({ form, situation }) => {
    const isAllowed = form.text('decision') === 'allow'
    const known = advance(situation.known, { kind: 'consent', isAllowed })
    return takeNextStep(c, { ...situation, known }, services)
  })
}

async function withFreshForm(
  c: Context,
  services: BrowserServices,
  handle: (submission: Submission) => Promise<Response>,
): Promise<Response> {
  try {
    return await handle(await readSubmission(c, services))
  } catch (error) {
    if (!(error instanceof StaleForm)) throw error
    return takeNextStep(c, error.situation, services)
  }
}

async function signInAndGoOn(
  c: Context,
  { username, password }: { username: string; password: string },
  situation: Situation,
  services: BrowserServices,
): Promise<Response> {
  const { browserRequest } = situation
  const { client, api, context } = browserRequest
  const credentials = { pool: api.userPool, username, password, clientId: client.id, api: api.name }
  const proven = await authenticateUser({ ...credentials, challengeResponse: null }, services, context)
  const request = { client, secretHash: null, api, parameters: new Parameters(new Map()), context }
  const user = await findBreach(proven.user, password, request, services)
  renewHash(user, password, request, services)
  const session: BrowserSession = {
    id: randomId(16),
    subject: user.id,
    authTime: issueTimeOf(user, context.now),
    amr: ['pwd'],
    acr: ONE_FACTOR,
    startedAt: context.now,
    usedAt: context.now,
  }
  await services.cookies.session(api.userPool).write(c, session)
  const consentId = client.isFirstParty ? null : await consentIdFor(user.id, browserRequest)
  const query = { subject: user.id, browserId: session.id, consentId }
  const state = consentId === null ? null : await services.authorizationState.find(query)
  const consented = state?.consentedScopes ?? []
  const missingScopes = browserRequest.request.scope.filter((scope) => !consented.includes(scope))
  const withConsent = { ...situation.known, consent: { ...situation.known.consent, missingScopes } }
  const known = advance(withConsent, { kind: 'authenticated', user: knownUser(session, user, services) })
  const validFrom = Math.max(user.tokensValidFrom, state?.consentValidFrom ?? 0)
  return takeNextStep(c, { ...situation, known, session, user, consentId, validFrom }, services)
}

function showRefusal(
  c: Context,
  { error, username }: { error: OAuthError; username: string },
  situation: Situation,
  services: BrowserServices,
): Promise<Response> {
  const { refusal } = error
  const isBusy = 'retryAfterSeconds' in refusal
  if (isBusy) c.header('Retry-After', String(refusal.retryAfterSeconds))
  const view = isBusy
    ? { error: 'Too many attempts. Try again later.', status: 429 }
    : { error: 'Wrong username or password.', status: 400 }
  const next = nextStep({ ...situation.known, user: null })
  return showStep(c, next.kind === 'show' ? next.step : 'sign_in', situation, services, { ...view, username })
}

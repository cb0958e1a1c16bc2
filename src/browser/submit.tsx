import type { Context } from 'hono'
import type { ClientRequest } from '../clients/client_request.ts'
import { OAuthError } from '../oauth/errors.ts'
import { Parameters } from '../oauth/parameters.ts'
import { changePassword } from '../sessions/change_password.ts'
import { advance, type Given, type SignInProblem, type Step } from '../signin/next_step.ts'
import { PAGE } from '../users/authenticate_user.ts'
import { confirmPassword } from '../users/confirm_password.ts'
import { PasswordRefused } from '../users/create_user.ts'
import { proveUser } from '../users/sign_in.ts'
import type { UserRecord } from '../users/user_record.ts'
import { beginBrowserSession } from './begin_browser_session.ts'
import type { BrowserServices } from './browser_services.ts'
import { readSubmission, type Submission } from './read_submission.ts'
import type { SignedInUser, Situation } from './situation.ts'
import { takeNextStep } from './take_next_step.ts'

/** Uses an accepted form. @throws InputRefused, OAuthError, StorageUnavailable */
type UseForm = (c: Context, submission: Submission, services: BrowserServices) => Promise<Situation>

/** The input of a form is refused. The page of the form shows the problem. */
class InputRefused extends Error {
  override name = 'InputRefused'
  readonly problem: SignInProblem

  constructor(problem: SignInProblem) {
    super(problem.kind)
    this.problem = problem
  }
}

/** The handlers of the forms, by the page of the form. */
const FORMS: Readonly<Record<Step, UseForm>> = {
  sign_in: useSignIn,
  select_account: async (_c, { form, situation }) =>
    give({ kind: 'account', isKept: form.text('decision') === 'keep' }, situation),
  change_password: useNewPassword,
  consent: async (_c, { form, situation }) =>
    give({ kind: 'consent', isAllowed: form.text('decision') === 'allow' }, situation),
}

/** Handles the form of a page: shows the next page, or the same page with the problem. */
export async function submitForm(c: Context, step: Step, services: BrowserServices): Promise<Response> {
  const submission = await readSubmission(c, step, services)
  const { form, situation, isAccepted } = submission
  if (!isAccepted) return takeNextStep(c, situation, services)
  try {
    return await takeNextStep(c, await FORMS[step](c, submission, services), services)
  } catch (error) {
    const problem = describeProblem(error)
    if (problem === null) throw error
    const refused = give({ kind: 'refused', step, problem }, situation)
    return takeNextStep(c, refused, services, { username: form.text('username') })
  }
}

function give(given: Given, situation: Situation): Situation {
  return { ...situation, known: advance(situation.known, given) }
}

/** The problem that a page can show; null for another error. */
function describeProblem(error: unknown): SignInProblem | null {
  if (error instanceof InputRefused) return error.problem
  if (error instanceof PasswordRefused) return { kind: 'refused_password', rule: error.rule }
  if (!(error instanceof OAuthError)) return null
  const { refusal } = error
  if (refusal.kind === 'wrong_credentials') return { kind: 'wrong_credentials' }
  if (refusal.kind !== 'too_many_attempts' && refusal.kind !== 'temporarily_unavailable') return null
  const isLimit = refusal.kind === 'too_many_attempts'
  return { kind: 'must_wait', seconds: refusal.retryAfterSeconds, isLimit }
}

async function useSignIn(
  c: Context,
  { form, situation }: Submission,
  services: BrowserServices,
): Promise<Situation> {
  const { client, context } = situation.browserRequest
  if (form.text('decision') === 'guest') {
    await services.bursts.spend('guests', client.id, context)
    return give({ kind: 'guest' }, situation)
  }
  const credentials = {
    username: form.text('username'),
    password: form.text('password'),
    challengeResponse: PAGE,
  } as const
  try {
    const proven = await proveUser(credentials, requestOf(situation), services)
    return await beginBrowserSession(c, { kind: 'password', ...proven }, situation, services)
  } catch (error) {
    if (error instanceof OAuthError && error.refusal.kind === 'wrong_credentials')
      auditFailure(error, situation, services)
    throw error
  }
}

/** A request without a secret, because the browser sends it and not the client. */
function requestOf({ browserRequest: { client, api, context } }: Situation): ClientRequest {
  return { client, secretHash: null, api, parameters: new Parameters(new Map()), context }
}

function auditFailure(
  { reason, about }: Pick<OAuthError, 'reason' | 'about'>,
  { browserRequest: { client, api, context } }: Situation,
  { audit }: BrowserServices,
): void {
  const { subject = null, cause = 'other' } = about
  const who = { api: api.name, clientId: client.id, subject, sid: null, grant: 'authorization_code' }
  audit.record({ kind: 'sign_in_failure', outcome: 'refused', reason, cause, ...who }, context)
}

/** Sets a new password. All earlier sessions end, so a new browser session begins. */
async function useNewPassword(
  c: Context,
  { form, situation }: Submission,
  services: BrowserServices,
): Promise<Situation> {
  const { signedIn } = situation
  if (signedIn === null) return situation
  const next = form.text('password')
  if (next !== form.text('repeated')) throw new InputRefused({ kind: 'different_passwords' })
  const user = await setPassword({ current: form.text('current_password'), next }, signedIn, {
    situation,
    services,
  })
  return beginBrowserSession(c, { kind: 'new_password', user, signIn: null }, situation, services)
}

/** @throws InputRefused, PasswordRefused, OAuthError temporarily_unavailable, StorageUnavailable, CorruptRecord */
async function setPassword(
  passwords: { current: string; next: string },
  { user }: SignedInUser,
  { situation, services }: { situation: Situation; services: BrowserServices },
): Promise<UserRecord> {
  const { client, api, context } = situation.browserRequest
  const origin = { api: api.name, clientId: client.id }
  const refusal = await confirmPassword({ user, password: passwords.current, ...origin }, services, context)
  if (refusal !== null) {
    const about = { subject: user.id, cause: 'wrong_password' } as const
    auditFailure({ reason: refusal, about }, situation, services)
    throw new InputRefused({ kind: 'wrong_current_password' })
  }
  const setting = { occasion: { ...origin, subject: user.id }, context, event: origin }
  const outcome = await changePassword({ user, ...passwords }, setting, services)
  // Another tab or an operator set another password in this moment.
  if (outcome.kind !== 'changed' || outcome.record === null)
    throw new InputRefused({ kind: 'wrong_current_password' })
  return outcome.record
}

import type { Context } from 'hono'
import { NO_PROOF } from '../clients/client_proof.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { OAuthError } from '../oauth/errors.ts'
import { Parameters } from '../oauth/parameters.ts'
import { changePassword } from '../sessions/change_password.ts'
import { ONE_FACTOR } from '../signin/authentication_level.ts'
import { advance, type Given, nextStep, type Step } from '../signin/next_step.ts'
import { proofBy } from '../signin/proof.ts'
import { PAGE } from '../users/authenticate_user.ts'
import { confirmPassword } from '../users/confirm_password.ts'
import { proveUser } from '../users/sign_in.ts'
import { issueTimeOf } from '../users/user.ts'
import type { UserRecord } from '../users/user_record.ts'
import { acceptFirstFactor } from './accept_first_factor.ts'
import { auditFailure } from './audit_failure.ts'
import { beginBrowserSession } from './begin_browser_session.ts'
import type { BrowserServices } from './browser_services.ts'
import { offersEmailCode, requestEmailCode, useEmailCode } from './email_code_forms.ts'
import { useEmailSecondFactor } from './email_second_factor_forms.ts'
import { InputRefused } from './input_refused.ts'
import { useNewPasskey } from './new_passkey_forms.ts'
import { canHavePasskey, PASSKEY_DECISION } from './passkey_button.tsx'
import { usePasskey } from './passkey_forms.ts'
import { problemOf } from './problem_of.ts'
import type { SignedInUser } from './read_signed_in.ts'
import { readSubmission, type Submission } from './read_submission.ts'
import { useNewSecondFactor, useSecondFactor } from './second_factor_forms.ts'
import { offersSignUp, requestSignUp, useNewAccount, useSignUpCode } from './sign_up_forms.ts'
import type { Situation } from './situation.ts'
import { takeNextStep } from './take_next_step.ts'

/** Uses an accepted form. @throws InputRefused, OAuthError, StorageUnavailable */
type UseForm = (c: Context, submission: Submission, services: BrowserServices) => Promise<Situation>

/** The handlers of the forms, by the page of the form. */
const FORMS: Readonly<Record<Step, UseForm>> = {
  sign_in: useSignIn,
  sign_up: requestSignUp,
  sign_up_code: ifNext('sign_up_code', useSignUpCode),
  create_account: ifNext('create_account', useNewAccount),
  email_code: ifNext('email_code', useEmailCode),
  select_account: async (_c, { form, situation }) =>
    give({ kind: 'account', isKept: form.text('decision') === 'keep' }, situation),
  second_factor: ifNext('second_factor', useSecondFactor),
  email_second_factor: ifNext('email_second_factor', useEmailSecondFactor),
  set_up_second_factor: ifNext('set_up_second_factor', useNewFactor),
  recovery_codes: async (_c, { situation }) => give({ kind: 'kept_codes' }, situation),
  add_passkey: ifNext('add_passkey', useNewPasskey),
  change_password: ifNext('change_password', useNewPassword),
  consent: async (_c, { form, situation }) =>
    give({ kind: 'consent', isAllowed: form.text('decision') === 'allow' }, situation),
}

/** Handles the form of a page: shows the next page, or the same page with the problem. */
export async function submitForm(c: Context, step: Step, services: BrowserServices): Promise<Response> {
  const submission = await readSubmission(c, step, services)
  const { form, situation, isAccepted } = submission
  if (!isAccepted) return takeNextStep(c, situation, services, { isForm: true })
  try {
    return await takeNextStep(c, await FORMS[step](c, submission, services), services, { isForm: true })
  } catch (error) {
    const problem = problemOf(error)
    if (problem === null) throw error
    const refused = give({ kind: 'refused', step, problem }, situation)
    return takeNextStep(c, refused, services, { isForm: true, typed: form })
  }
}

/** Uses a form only if its page is the next one. A second factor can have become necessary since the page was shown. */
function ifNext(step: Step, use: UseForm): UseForm {
  return async (c, submission, services) => {
    const next = nextStep(submission.situation.known)
    const isNext = next.kind === 'show' && next.step === step
    return isNext ? use(c, submission, services) : submission.situation
  }
}

function give(given: Given, situation: Situation): Situation {
  return { ...situation, known: advance(situation.known, given) }
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
  if (form.text('decision') === 'sign_up' && offersSignUp(situation, services))
    return give({ kind: 'sign_up', step: 'sign_up' }, situation)
  if (form.text('decision') === 'email_code' && offersEmailCode(situation, services))
    return requestEmailCode(c, { form, situation }, services)
  if (form.text('decision') === PASSKEY_DECISION) return usePasskey(c, { form, situation }, services)
  const credentials = {
    username: form.text('username'),
    password: form.text('password'),
    challengeResponse: PAGE,
  } as const
  try {
    const proven = await proveUser(credentials, requestOf(situation), services)
    const proof = proofBy('password', proven.user, context.now)
    const factor = { kind: 'password', proof, ...proven } as const
    return await acceptFirstFactor(
      c,
      factor,
      { ...situation, canHavePasskey: canHavePasskey(form) },
      services,
    )
  } catch (error) {
    if (error instanceof OAuthError && error.refusal.kind === 'wrong_credentials')
      auditFailure(error, situation, services)
    throw error
  }
}

/** Adds an authenticator app, or a passkey in its place. */
function useNewFactor(c: Context, submission: Submission, services: BrowserServices): Promise<Situation> {
  const isPasskey = submission.form.text('decision') === PASSKEY_DECISION
  return (isPasskey ? useNewPasskey : useNewSecondFactor)(c, submission, services)
}

/** A request without a secret, because the browser sends it and not the client. */
function requestOf({ browserRequest: { client, api, context } }: Situation): ClientRequest {
  return { client, proof: NO_PROOF, proofKey: null, api, parameters: new Parameters(new Map()), context }
}

/**
 * Sets a new password. All earlier sessions end, so a new browser session begins. It keeps a second factor that the user proved for
 * this request.
 */
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
  const { request, context } = situation.browserRequest
  const { session } = signedIn
  const isNew = session.authTime >= request.receivedAt
  const { amr, acr } = isNew ? session : { amr: ['pwd'], acr: ONE_FACTOR }
  const proof = { authTime: issueTimeOf(user, context.now), amr, acr }
  return beginBrowserSession(c, { kind: 'new_password', user, signIn: null, ...proof }, situation, services)
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

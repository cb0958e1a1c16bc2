import { auditSuccess } from '../audit/audit_success.ts'
import type { AuthorizationRequest } from '../authorization/authorization_request.ts'
import { demandsOf } from '../authorization/demands_of.ts'
import { issueCode } from '../authorization/issue_code.ts'
import { PUSHED_SECONDS } from '../authorization/sealed_request.ts'
import { lifetimesOf } from '../clients/lifetimes.ts'
import { invalidAuthorizationRequest, tooManyAttempts, wrongCredentials } from '../oauth/errors.ts'
import { describeMethods } from '../signin/describe_methods.ts'
import { knownUser } from '../signin/known_user.ts'
import { type Known, nextStep } from '../signin/next_step.ts'
import { sealPending } from '../signin/pending_sign_in.ts'
import { continueAuthSession, NOTHING_REQUESTED } from './auth_session.ts'
import { NO_REDIRECT_URI, withWireErrors } from './challenge_request.ts'
import type { ChallengeServices } from './challenge_services.ts'
import type { Input } from './input.ts'
import { secondInputs } from './offer.ts'
import { sendSecondFactor } from './send_second_factor.ts'
import { type Proven, type Step, spend } from './step.ts'
import { askFor, type StepResult } from './step_result.ts'

/** The wait of a user with too many codes. */
const CODE_WAIT_SECONDS = 60

/** Decides the next step after a proven factor. @throws OAuthError invalid_session, temporarily_unavailable, unmet_authentication_requirements */
export async function finishStep(
  step: Step,
  proven: Proven,
  services: ChallengeServices,
): Promise<StepResult> {
  const next = nextStep(knownOf(step, proven, services))
  if (next.kind === 'fail') throw invalidAuthorizationRequest(next.error)
  if (next.kind === 'done') return finishSignIn(step, proven, services)
  const { user } = proven
  if (next.step === 'sign_in')
    throw wrongCredentials('the request names another account', { subject: user.id })
  const isFactor = next.step === 'second_factor' || next.step === 'email_second_factor'
  const inputs = isFactor ? secondInputs(user, proven, services.config) : []
  return inputs.length === 0
    ? continueInBrowser(step, proven, services)
    : askForSecondFactor(step, { ...proven, inputs }, services)
}

/** Asks for a second factor. After a password, the user gets a mail if the factor does not follow. A code by mail is such a mail. */
async function askForSecondFactor(
  step: Step,
  { inputs: next, ...proven }: Proven & { inputs: Input[] },
  services: ChallengeServices,
): Promise<StepResult> {
  const { client, api, context } = step.request
  const { user, amr, isSpent } = proven
  const { username } = step.session
  const state = { ...NOTHING_REQUESTED, username, pending: sealPending(proven), next }
  const session = continueAuthSession(step.session, state, context.now)
  const asking = async () => {
    const secondFactorCode = await sendSecondFactor(step, { user, next }, services)
    return askFor({ ...session, secondFactorCode }, api, services)
  }
  const [more] = await Promise.all([asking(), isSpent ? null : spend(step, services)])
  if (amr.includes('pwd') && !next.includes('email_code')) {
    const signIn = { subject: user.id, client, api: api.name, browserId: null }
    services.notifications.noteUnfinished(signIn, session.token, context)
  }
  return more
}

/** The state for the state machine. A headless sign-in has no browser session, so the proven user is the chosen account. */
function knownOf(
  { session: { request: authorization }, request: { client, context } }: Step,
  proven: Proven,
  { config }: Pick<ChallengeServices, 'config'>,
): Known {
  return {
    demands: demandsOf(authorization),
    isOpening: false,
    user: knownUser(proven, config),
    awaitsEmailCode: false,
    signUp: null,
    mustKeepCodes: false,
    offersPasskey: false,
    account: { isChosen: true, mustCheck: false },
    guest: { isAllowed: false, isChosen: false },
    consent: { isFirstParty: client.isFirstParty, isCovered: false, mustConfirm: false, given: null },
    isCancelled: false,
    problem: null,
    now: context.now,
  }
}

/**
 * Issues the code of a finished sign-in. The budget counts the codes of a user from any IP address, because the second use of each code
 * writes a row that the feed lists.
 */
async function finishSignIn(
  step: Step,
  { user, authTime, amr, acr, seen, isSpent }: Proven,
  services: ChallengeServices,
): Promise<StepResult> {
  const { client, api, context } = step.request
  const { guard, bursts, notifications } = services
  if (!(await bursts.isWithin('sign_ins', `codes ${user.id}`)))
    throw tooManyAttempts('the user has too many codes', CODE_WAIT_SECONDS, { subject: user.id })
  if (!isSpent) await spend(step, services)
  await services.deletion.cancel(user, { api: api.name, clientId: client.id }, context)
  const auth = { time: authTime, amr: [...amr], acr, browser: null }
  const holder = { subject: user.id, auth, consent: null, validFrom: user.tokensValidFrom }
  const authorization = { ...step.session.request, hasRedirectUri: false }
  const issuing = () => issueCode(holder, authorization, context, services)
  const { code, sid } = await withWireErrors(issuing)
  if (amr.includes('pwd')) {
    const attempt = { pool: user.pool, username: user.username, clientId: client.id, api: api.name }
    const expiresAt = authTime + lifetimesOf(client, api).refreshTokenSeconds
    const mark = { sid, browser: null, clientId: client.id, api: api.name, startedAt: authTime, expiresAt }
    guard.recordSignIn(await guard.resume({ attempt, user, seen }, context), mark)
  }
  const event = {
    kind: 'step_sign_in',
    reason: describeMethods({ amr, acr }),
    subject: user.id,
    sid,
  } as const
  auditSuccess({ ...event, grant: 'authorization_code' }, step.request, services)
  notifications.noteSignIn({ subject: user.id, client, api: api.name, browserId: null }, context)
  return { kind: 'code', code }
}

/** Sends the user to a page of the server. It begins anew, because the browser has proven nothing. */
async function continueInBrowser(
  step: Step,
  { isSpent }: Proven,
  services: ChallengeServices,
): Promise<StepResult> {
  if (!isSpent) await spend(step, services)
  const { request: authorization } = step.session
  const requestUri = mayBePushed(authorization)
    ? await services.requests.seal(authorization, step.request.context.now + PUSHED_SECONDS)
    : null
  return { kind: 'web', requestUri }
}

/** Without PKCE, a `request_uri` would be a pushed request without PKCE (First-Party Applications draft §5.2.2.1.1). */
function mayBePushed({ codeChallenge, redirectUri }: AuthorizationRequest): boolean {
  return codeChallenge !== null && redirectUri !== NO_REDIRECT_URI
}

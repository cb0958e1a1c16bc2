import { type FactorResult, verifySecondFactor } from '../factors/verify_second_factor.ts'
import { invalidSession, missingParameter, tooManyAttempts, wrongCredentials } from '../oauth/errors.ts'
import { PasskeyRefused } from '../passkeys/passkey_refused.ts'
import { signInByPasskey } from '../passkeys/sign_in_by_passkey.ts'
import { ONE_FACTOR, TWO_FACTORS } from '../signin/authentication_level.ts'
import { isUsableBy } from '../signin/browser_session.ts'
import type { SealedPending } from '../signin/pending_sign_in.ts'
import { proofBy, withSecondFactor } from '../signin/proof.ts'
import { proveUser } from '../users/sign_in.ts'
import { issueTimeOf, type User } from '../users/user.ts'
import type { ChallengeServices } from './challenge_services.ts'
import type { ProofName } from './input.ts'
import { callerOf, type Proven, type Step, USED_BEFORE } from './step.ts'

/**
 * Checks a proof that the sign-in expects. A wrong proof does not use the `auth_session`.
 *
 * @throws OAuthError invalid_grant for a wrong proof, invalid_session, too_many_attempts, challenge_required; StorageUnavailable,
 *   CorruptRecord
 */
export type UseProof = (text: string, step: Step, services: ChallengeServices) => Promise<Proven>

export const USE_PROOF: Readonly<Record<ProofName, UseProof>> = {
  password: usePassword,
  email_code: (code, step, services) =>
    step.session.pending === null
      ? useEmailCode(code, step, services)
      : useEmailSecondFactor(code, step, services),
  totp: (code, step, services) => useSecondFactor({ kind: 'totp', code }, step, services),
  recovery_code: (code, step, services) => useSecondFactor({ kind: 'recovery_code', code }, step, services),
  passkey: usePasskey,
}

async function usePassword(
  password: string,
  { request, session }: Step,
  services: ChallengeServices,
): Promise<Proven> {
  const { parameters, context } = request
  const username = parameters.find('username') ?? session.username
  if (username === null) throw missingParameter('username')
  const challengeResponse = parameters.find('challenge_response')
  const { user, signIn } = await proveUser({ username, password, challengeResponse }, request, services)
  return { ...proofBy('password', user, context.now), user, seen: signIn.seen, isSpent: false }
}

async function useEmailCode(
  code: string,
  step: Step,
  { emailCodes, authSessions }: ChallengeServices,
): Promise<Proven> {
  const { session, sealed } = step
  const { context } = step.request
  const { requestedCode: requested } = session
  if (requested === null || sealed === null) throw new Error('the sign-in has requested no code')
  const spend = () => authSessions.spend(session, context.now)
  const result = await emailCodes.verify({ ...callerOf(step), requested, code, spend }, context)
  if (result.kind === 'spent') throw invalidSession(USED_BEFORE, { subject: result.subject })
  if (result.kind === 'wrong')
    throw wrongCredentials('wrong email code', result.subject === null ? {} : { subject: result.subject })
  const { user } = result
  return { ...proofBy('email_code', user, context.now), user, seen: null, isSpent: true }
}

interface GivenFactor {
  kind: 'totp' | 'recovery_code'
  code: string
}

async function useSecondFactor(
  given: GivenFactor,
  { request: { client, api, context }, session }: Step,
  services: ChallengeServices,
): Promise<Proven> {
  const first = requirePending(session.pending)
  const { subject } = first
  const { statement } = await services.authSessions.spendingIfChanged(session, context.now)
  const check = { subject, given, clientId: client.id, api: api.name, spend: statement }
  return acceptFactor(first, await verifySecondFactor(check, services, context), api.userPool)
}

async function useEmailSecondFactor(
  code: string,
  step: Step,
  { emailSecondFactor, authSessions }: ChallengeServices,
): Promise<Proven> {
  const { session, request } = step
  const { context } = request
  const first = requirePending(session.pending)
  const { subject } = first
  const caller = callerOf(step)
  const spend = () => authSessions.spend(session, context.now)
  const attempt = { ...caller, subject, token: session.secondFactorCode, code, spend }
  return acceptFactor(first, await emailSecondFactor.verify(attempt, context), caller.pool)
}

/** The proof of a right second factor. @throws OAuthError invalid_grant, invalid_session, too_many_attempts */
function acceptFactor(first: SealedPending, result: FactorResult, pool: string): Proven {
  const { subject } = first
  if (result.kind === 'spent') throw invalidSession(USED_BEFORE, { subject })
  if (result.kind === 'locked')
    throw tooManyAttempts('locked second factor', result.retryAfterSeconds, { subject })
  if (result.kind === 'wrong') throw wrongCredentials('wrong second factor', { subject })
  return addFactor(first, result, pool)
}

async function usePasskey(
  response: string,
  { request: { client, api, context }, session }: Step,
  services: ChallengeServices,
): Promise<Proven> {
  const { pending, token: challenge, id: holder } = session
  const pool = api.userPool
  const about = { pool, subject: pending?.subject ?? null, holder }
  const purpose = { ceremony: 'authentication', challenge, ...about } as const
  const sealed = await services.passkeyChallenges.seal(purpose, context.now)
  const given = { sealed, response, ...about, clientId: client.id, api: api.name }
  const { user, isUserVerified, amr } = await signInByPasskey(given, services, context).catch(refusePasskey)
  if (pending !== null) return addFactor(pending, { user, amr: [...amr, 'mfa'] }, pool)
  const acr = isUserVerified ? TWO_FACTORS : ONE_FACTOR
  return { authTime: issueTimeOf(user, context.now), amr, acr, user, seen: null, isSpent: true }
}

function refusePasskey(error: unknown): never {
  throw error instanceof PasskeyRefused ? wrongCredentials(error.message) : error
}

/** The proof of the pending sign-in and a second factor. The check of the factor has used the `auth_session`. */
function addFactor(
  first: SealedPending,
  { user, amr }: { user: User; amr: readonly string[] },
  pool: string,
): Proven {
  const { subject, seen } = first
  if (!isUsableBy(first, user, pool)) throw invalidSession('the pending sign-in has ended', { subject })
  return { ...withSecondFactor(first, amr), user, seen, isSpent: true }
}

function requirePending(pending: SealedPending | null): SealedPending {
  if (pending === null) throw new Error('a second factor follows no first factor')
  return pending
}

import type { Context } from 'hono'
import { type FactorResult, type GivenFactor, verifySecondFactor } from '../factors/verify_second_factor.ts'
import { isUsableBy } from '../signin/browser_session.ts'
import { knownUser } from '../signin/known_user.ts'
import { advance, isPending } from '../signin/next_step.ts'
import { type Proof, withSecondFactor } from '../signin/proof.ts'
import { secondFactorOf } from '../signin/second_factor.ts'
import { usableFactors } from '../signin/usable_factors.ts'
import type { VerifiedSignIn } from '../users/sign_in_guard.ts'
import type { User } from '../users/user.ts'
import { auditFailure } from './audit_failure.ts'
import { beginBrowserSession } from './begin_browser_session.ts'
import type { BrowserServices } from './browser_services.ts'
import { ENROLMENT_FIELD } from './enrolment_fields.tsx'
import { InputRefused } from './input_refused.ts'
import { PASSKEY_DECISION } from './passkey_button.tsx'
import { provePasskey } from './prove_passkey.ts'
import { readFactor } from './read_early.ts'
import type { Submission } from './read_submission.ts'
import type { Situation } from './situation.ts'

/** The methods of a new authenticator app, whose first code was accepted (RFC 8176). */
const NEW_APP = ['otp', 'mfa'] as const

/** Checks a second factor and begins the browser session. @throws InputRefused, OAuthError, StorageUnavailable, CorruptRecord */
export async function useSecondFactor(
  c: Context,
  { form, situation }: Submission,
  services: BrowserServices,
): Promise<Situation> {
  const { client, api, context } = situation.browserRequest
  const { user, amr, acr } = firstFactorOf(situation)
  const { id: subject } = user
  const usable = usableFactors({ amr, acr, secondFactor: secondFactorOf(user, services.config) })
  if (form.text('decision') === PASSKEY_DECISION && usable.passkey)
    return useSecondPasskey(c, { form, situation }, services)
  // The page has no field for a code.
  if (!usable.app) return situation
  const given = readFactor(form)
  const check = { subject, given, read: situation.factorRead, clientId: client.id, api: api.name }
  const result = await verifySecondFactor(check, services, context)
  return acceptSecondFactor(c, { result, factor: given.kind }, situation, services)
}

/** Begins the browser session after a right code. @throws InputRefused for another result; StorageUnavailable, CorruptRecord */
export async function acceptSecondFactor(
  c: Context,
  { result, factor }: { result: FactorResult; factor: GivenFactor['kind'] | 'email_code' },
  situation: Situation,
  services: BrowserServices,
): Promise<Situation> {
  const { api } = situation.browserRequest
  const first = firstFactorOf(situation)
  const { id: subject } = first.user
  if (result.kind === 'proven' && isUsableBy({ ...first, subject }, result.user, api.userPool)) {
    const { user, amr } = result
    return finishSignIn(
      c,
      { kind: 'second_factor', first: { ...first, user }, added: amr },
      situation,
      services,
    )
  }
  auditFailure({ reason: 'wrong second factor', about: { subject } }, situation, services)
  if (result.kind === 'locked')
    throw new InputRefused({ kind: 'must_wait', seconds: result.retryAfterSeconds, isLimit: true })
  throw new InputRefused(result.kind === 'wrong' ? { kind: 'wrong_code', factor } : { kind: 'other_session' })
}

/** Checks a passkey of the user and begins the browser session. @throws as `useSecondFactor` */
async function useSecondPasskey(
  c: Context,
  { form, situation }: Pick<Submission, 'form' | 'situation'>,
  services: BrowserServices,
): Promise<Situation> {
  const { id: subject } = firstFactorOf(situation).user
  const { user, amr } = await provePasskey(c, { form, situation, subject }, services)
  const result = { kind: 'proven', user, amr: [...amr, 'mfa'] } as const
  return acceptSecondFactor(c, { result, factor: 'totp' }, situation, services)
}

/** Stores a new authenticator app and begins the browser session. The next page shows the recovery codes. */
export async function useNewSecondFactor(
  c: Context,
  { form, situation }: Submission,
  services: BrowserServices,
): Promise<Situation> {
  const { client, api, context } = situation.browserRequest
  const first = firstFactorOf(situation)
  const { user } = first
  const enrolment = { sealed: form.text(ENROLMENT_FIELD), code: form.text('totp'), isFirst: true }
  const change = { subject: user.id, clientId: client.id, api: api.name }
  const result = await services.authenticatorApps.confirm({ ...enrolment, ...change }, context)
  if (result.kind === 'expired') throw new InputRefused({ kind: 'expired_form' })
  if (result.kind === 'wrong_code') throw new InputRefused({ kind: 'wrong_code', factor: 'totp' })
  const proven = { ...first, user: { ...user, hasTotp: true } }
  const finished = { kind: 'new_second_factor', first: proven, added: NEW_APP } as const
  const next = await finishSignIn(c, finished, situation, services)
  return { ...next, recoveryCodes: result.recoveryCodes }
}

interface FirstFactor extends Proof {
  user: User
  /** The failures that the sign-in has read; undefined for the first factor of a browser session. */
  seen?: VerifiedSignIn['seen']
}

/** The first factor: that of the pending sign-in, or that of the browser session. */
export function firstFactorOf({ pending, signedIn }: Situation): FirstFactor {
  if (pending !== null) return pending
  if (signedIn === null) throw new Error('a second factor follows no first factor')
  return { ...signedIn.session, user: signedIn.user }
}

interface SecondFactor {
  kind: 'second_factor' | 'new_second_factor'
  /** The first factor, with the current record of the user. */
  first: FirstFactor
  /** The methods of the second factor (RFC 8176). */
  added: readonly string[]
}

/**
 * Begins the browser session, or continues the pending sign-in of a user who must also add a passkey. Only the finished sign-in resets
 * the failures of the account.
 */
export async function finishSignIn(
  c: Context,
  { kind, first: { user, seen, ...first }, added }: SecondFactor,
  situation: Situation,
  services: BrowserServices,
): Promise<Situation> {
  const { client, api, context } = situation.browserRequest
  const attempt = { pool: api.userPool, username: user.username, clientId: client.id, api: api.name }
  const proof = withSecondFactor(first, added)
  const proven = knownUser({ user, ...proof }, services.config)
  if (isPending(proven, situation.known.demands)) {
    const known = advance(situation.known, { kind, user: proven })
    return { ...situation, pending: { ...proof, user, seen: seen ?? null }, known }
  }
  // The guard records passwords only.
  const isByPassword = seen !== undefined && proof.amr.includes('pwd')
  const signIn = !isByPassword ? null : await services.guard.resume({ attempt, user, seen }, context)
  return beginBrowserSession(c, { kind, user, signIn, ...proof }, situation, services)
}

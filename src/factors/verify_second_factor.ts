import type { Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import { type RequestContext, runToEnd } from '../lib/request_context.ts'
import type { Notifier } from '../mail/news.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import { type FailureKey, failureOf } from '../users/failure_count.ts'
import type { SignInGuard } from '../users/sign_in_guard.ts'
import type { StoredUser } from '../users/user.ts'
import type { FactorSecrets } from './factor_secrets.ts'
import type { FactorRecord, FactorStore, FactorUse, FactorUsed } from './factor_store.ts'
import { hashRecoveryCode, parseRecoveryCode } from './recovery_code.ts'
import { findTotpStep, parseTotpCode } from './totp.ts'

/** A second factor, as the request has it. */
export interface GivenFactor {
  kind: 'totp' | 'recovery_code'
  code: string
}

export interface FactorCheck {
  subject: string
  given: GivenFactor
  clientId: string
  /** For the audit trail. */
  api: string | null
  /** The record that the request has read already, at the same time as other records. Absent or null without one. */
  read?: FactorRead | null
  /** Uses the sign-in in which the factor was sent, with a right factor only (`FactorUse`). */
  spend?: FactorUse['spend']
}

/** The record of a check, and the values of its query. */
export interface FactorRead {
  record: FactorRecord
  keys: readonly FailureKey[]
  /** The hash of a recovery code; null for another factor and for a text that is not a code. */
  codeHash: string | null
}

/** The result of a check. A wrong, a used and an unknown code have the same result. */
export type FactorResult =
  /** The user is the record at the primary in the moment of the check. The caller checks pool, roles and `tokensValidFrom`. */
  | { kind: 'proven'; user: StoredUser; amr: readonly string[] }
  | { kind: 'wrong' }
  /** The factor was right, and the sign-in had been used before. */
  | { kind: 'spent' }
  | { kind: 'locked'; retryAfterSeconds: number }

interface Dependencies {
  factors: FactorStore
  factorSecrets: FactorSecrets
  guard: SignInGuard
  bursts: BurstLimits
  notifications: Notifier
  config: Pick<Config, 'signInLimits'>
}

/** The method of a one-time password and of several factors (RFC 8176 §2). */
const AMR = ['otp', 'mfa'] as const

/**
 * Checks the second factor of a user who has proven the first one. It costs one read and one write at the primary. The transaction of
 * the write counts a failure before it uses the code, so parallel guesses cannot exceed the limit. A right code resets the count of
 * second factors; the counts of passwords stay until the sign-in is finished. After a recovery code the user gets a mail.
 *
 * @throws OAuthError too_many_attempts if the address or the caller's network must wait; StorageUnavailable, CorruptRecord
 */
export async function verifySecondFactor(
  check: FactorCheck,
  dependencies: Dependencies,
  context: RequestContext,
): Promise<FactorResult> {
  const { now } = context
  const { bursts, guard } = dependencies
  await bursts.spend('sign_ins', check.subject, context)
  const { record, keys, codeHash } = check.read ?? (await readForCheck(check, dependencies, context))
  guard.requireAdmission(record.failures, { context })
  const lockedUntil = record.failures.find(({ kind }) => kind === 'second_factor')?.lockedUntil ?? 0
  if (lockedUntil > now) return { kind: 'locked', retryAfterSeconds: lockedUntil - now }
  const use = await prepareUse(check, record, { ...dependencies, codeHash, now })
  return runToEnd(context, finish(check, { ...record, use, keys }, dependencies, context))
}

/**
 * Reads the record of a check in one call to D1, and changes nothing.
 *
 * @param check `given` is null for a code in a mail.
 * @throws StorageUnavailable, CorruptRecord
 */
export async function readForCheck(
  check: Pick<FactorCheck, 'subject' | 'clientId'> & { given: GivenFactor | null },
  { guard, factors }: Pick<Dependencies, 'guard' | 'factors'>,
  context: RequestContext,
): Promise<FactorRead> {
  const { subject, clientId } = check
  const own: FailureKey = { kind: 'second_factor', key: subject }
  const keys = [own, ...(await guard.keysOfCaller(clientId, context))]
  const codeHash = await hashOf(check)
  return { record: await factors.findForCheck({ subject, codeHash }, keys, context.now), keys, codeHash }
}

async function hashOf({
  subject,
  given,
}: Pick<FactorCheck, 'subject'> & { given: GivenFactor | null }): Promise<string | null> {
  const code = given?.kind === 'recovery_code' ? parseRecoveryCode(given.code) : null
  return code === null ? null : hashRecoveryCode(subject, code)
}

/** The statement that uses the code; null for a code that is wrong or was used. */
type PreparedUse = ((use: FactorUse) => Promise<FactorUsed>) | null

async function prepareUse(
  { subject, given }: FactorCheck,
  { user, totp, hasCode }: FactorRecord,
  { factors, factorSecrets, codeHash, now }: Dependencies & { codeHash: string | null; now: number },
): Promise<PreparedUse> {
  if (user === null || !user.enabled || totp === null) return null
  if (given.kind === 'recovery_code')
    return hasCode && codeHash !== null ? (use) => factors.useRecoveryCode(codeHash, use) : null
  const code = parseTotpCode(given.code)
  const secret = await factorSecrets.open(totp, subject)
  const step = code === null || secret === null ? null : await findTotpStep(secret, code, now)
  if (step === null || step <= totp.lastStep) return null
  return (use) => factors.useTotp(totp.id, step, use)
}

interface Pending extends Pick<FactorRecord, 'user'> {
  use: PreparedUse
  keys: readonly FailureKey[]
}

/** Runs the one write of the check. A lost race for the same code counts as a failure too. */
async function finish(
  { subject, given, clientId, api, spend }: FactorCheck,
  { user, use, keys }: Pending,
  { guard, config, notifications }: Dependencies,
  context: RequestContext,
): Promise<FactorResult> {
  const own = { kind: 'second_factor', key: subject } as const
  if (use !== null && user !== null) {
    const failure = failureOf(own, config.signInLimits)
    const used = await use(compact({ failure, now: context.now, spend }))
    if (used === 'spent') return { kind: 'spent' }
    if (used !== 'used') return { kind: 'wrong' }
    if (given.kind === 'recovery_code') {
      const news = { kind: 'factor_changed', change: 'recovery_code_used' } as const
      notifications.send({ subject, clientId, api }, news, context)
    }
    return { kind: 'proven', user, amr: AMR }
  }
  const counted = await guard.countKeys(keys, { clientId, api, context }, subject)
  const lockedUntil = counted.find(({ kind }) => kind === 'second_factor')?.lockedUntil ?? null
  if (lockedUntil === null) return { kind: 'wrong' }
  return { kind: 'locked', retryAfterSeconds: lockedUntil - context.now }
}

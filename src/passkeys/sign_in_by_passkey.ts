import type { AuditStore } from '../audit/audit_store.ts'
import { decodeUtf8 } from '../lib/bytes.ts'
import { type RequestContext, runToEnd } from '../lib/request_context.ts'
import type { OneTimeStore } from '../onetime/one_time_store.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import type { FailureKey } from '../users/failure_count.ts'
import type { SignInGuard } from '../users/sign_in_guard.ts'
import type { StoredUser } from '../users/user.ts'
import type { Passkey } from './passkey.ts'
import type { ChallengeSealer, PasskeyChallenge } from './passkey_challenge.ts'
import { PasskeyRefused, requirePasskey } from './passkey_refused.ts'
import type { PasskeyRecord, PasskeyStore } from './passkey_store.ts'
import type { Passkeys } from './passkeys.ts'
import { type AuthenticationResponse, parseAuthentication } from './response_json.ts'
import { verifyAuthentication } from './verify_response.ts'

/** The end of a sign-in, as the form or the client sends it. */
export interface GivenPasskey {
  sealed: string
  /** The JSON of the browser's response. */
  response: string
  pool: string
  /** The user of the sign-in, as at its start; null if any user may sign in. */
  subject: string | null
  /** The browser or the session, as at its start. */
  holder: string
  clientId: string
  api: string | null
  /** The records of the same parameters, if the caller has read them already. */
  read?: PasskeyRead | null
}

/** The records that a sign-in needs, and the parsed response. */
export interface PasskeyRead {
  response: AuthenticationResponse
  challenge: PasskeyChallenge
  record: PasskeyRecord
  /** The counts of the caller's failures. */
  keys: readonly FailureKey[]
}

/** A proven passkey. */
export interface ProvenPasskey {
  /** The record at the primary in the moment of the sign-in. It is enabled and of the pool. The caller checks roles and `tokensValidFrom`. */
  user: StoredUser
  passkey: Passkey
  /** Whether the passkey counts as two factors. */
  isUserVerified: boolean
  /** RFC 8176: `hwk` for a passkey of one device, `swk` for one that can be copied; `user`; `mfa` with user verification. */
  amr: string[]
}

interface Dependencies {
  passkeys: Passkeys
  passkeyStore: PasskeyStore
  passkeyChallenges: ChallengeSealer
  oneTime: OneTimeStore
  guard: SignInGuard
  bursts: BurstLimits
  audit: AuditStore
}

/**
 * Signs a user in by a passkey. It costs one read and one write at the primary, and no password hash. A lock of the account does not
 * refuse a passkey, because a stranger who guesses passwords can cause the lock. A refused response counts as a failure of the caller.
 *
 * @throws PasskeyRefused, with the reason for the log; OAuthError too_many_attempts; StorageUnavailable, CorruptRecord
 */
export async function signInByPasskey(
  given: GivenPasskey,
  dependencies: Dependencies,
  context: RequestContext,
): Promise<ProvenPasskey> {
  const { guard } = dependencies
  const { clientId, api } = given
  const read = given.read ?? (await readForPasskey(given, dependencies, context))
  guard.requireAdmission(read.record.failures, { context })
  try {
    return await runToEnd(context, prove(read, given, { dependencies, context }))
  } catch (error) {
    if (error instanceof PasskeyRefused) await countRefusal(read.keys, { clientId, api, context }, guard)
    throw error
  }
}

/** Reads the records that a sign-in needs, in one read at the primary. @throws as `signInByPasskey` */
export async function readForPasskey(
  { sealed, response: text, pool, subject, holder, clientId }: GivenPasskey,
  { passkeyChallenges, bursts, guard, passkeyStore }: Dependencies,
  context: RequestContext,
): Promise<PasskeyRead> {
  const response = parseAuthentication(text)
  const purpose = { ceremony: 'authentication', pool, subject, holder } as const
  const challenge = await passkeyChallenges.open(sealed, purpose, context.now)
  requirePasskey(challenge !== null, 'the challenge is expired or belongs to another ceremony')
  await bursts.spend('sign_ins', response.credentialId, context)
  const keys = await guard.keysOfCaller(clientId, context)
  const record = await passkeyStore.findForSignIn(response.credentialId, keys, context.now)
  return { response, challenge, record, keys }
}

function countRefusal(
  keys: readonly FailureKey[],
  caller: Parameters<SignInGuard['countKeys']>[1],
  guard: SignInGuard,
): Promise<unknown> {
  return runToEnd(caller.context, guard.countKeys(keys, caller, null))
}

async function prove(
  { response, challenge, record: { passkey, user } }: PasskeyRead,
  { pool, subject, clientId, api }: GivenPasskey,
  { dependencies, context }: { dependencies: Dependencies; context: RequestContext },
): Promise<ProvenPasskey> {
  const { passkeys, passkeyStore, oneTime, audit } = dependencies
  const settings = passkeys.settingsOf(pool)
  requirePasskey(settings !== null, 'the pool has no passkeys')
  if (passkey === null || user === null)
    throw new PasskeyRefused('the passkey is unknown', response.credentialId)
  checkOwner({ passkey, user }, { pool, subject, rpId: settings.rpId, userHandle: response.userHandle })
  const expected = passkeys.expect(challenge.challenge, settings)
  const verified = await verifyAuthentication(response, passkey, expected)
  const { signCount, isUserVerified, isBackedUp } = verified
  if (verified.hasFallen) {
    const reason = `the counter of the passkey ${passkey.id} went from ${passkey.signCount} to ${signCount}`
    const ids = { subject: user.id, clientId, api, sid: null }
    audit.record({ kind: 'factor', outcome: 'refused', reason, ...ids }, context)
    throw new PasskeyRefused(reason)
  }
  const reference = { kind: 'passkey_challenge', token: challenge.challenge } as const
  const { statement: spend } = await oneTime.spending(reference, challenge.expiresAt, context.now)
  const isUsed = await passkeyStore.use({ id: passkey.id, signCount, isBackedUp, now: context.now }, spend)
  requirePasskey(isUsed, 'the challenge was used, or the counter of the passkey did not grow')
  return { user, passkey, isUserVerified, amr: amrOf(passkey, isUserVerified) }
}

interface ExpectedOwner {
  pool: string
  subject: string | null
  rpId: string
  userHandle: Uint8Array | null
}

/** Whether the passkey belongs to the user, the pool and the relying party (WebAuthn Level 3 §7.2). @throws PasskeyRefused */
function checkOwner(
  { passkey, user }: { passkey: Passkey; user: StoredUser },
  { pool, subject, rpId, userHandle }: ExpectedOwner,
): void {
  requirePasskey(passkey.pool === pool && user.pool === pool, 'the passkey belongs to another pool')
  requirePasskey(passkey.rpId === rpId, 'the passkey belongs to another relying party')
  requirePasskey(subject === null || subject === user.id, 'the passkey belongs to another user')
  // Without a known user, the authenticator must name the user.
  const handle = userHandle === null ? subject : decodeUtf8(userHandle)
  requirePasskey(handle === user.id, 'the user handle belongs to another user')
  requirePasskey(user.enabled, 'disabled user')
}

/** The methods of a passkey (RFC 8176). */
export function amrOf(
  { isBackupEligible }: Pick<Passkey, 'isBackupEligible'>,
  isUserVerified: boolean,
): string[] {
  return [isBackupEligible ? 'swk' : 'hwk', 'user', ...(isUserVerified ? ['mfa'] : [])]
}

import type { Config } from '../config/config.ts'
import { accountsOf } from '../config/pool_settings.ts'
import type { RemainingFactor } from '../factors/remaining_factor.ts'
import type { Passkey } from '../passkeys/passkey.ts'
import type { User } from '../users/user.ts'
import { type AcrLevel, levelOf } from './authentication_level.ts'
import { hasProvenPasskey } from './describe_methods.ts'

type Accounts = Pick<Config, 'accounts'>

/** The second factor of a user, by the record of the user and `accounts` of config.yml. */
export interface SecondFactor {
  /** Whether the pool or a role of the user requires one. */
  isRequired: boolean
  /** Whether each sign-in needs one: it is required, or the user has chosen it. */
  isNeeded: boolean
  /** Whether each sign-in needs a passkey, as the first or the second factor. */
  mustBePasskey: boolean
  /** Whether the user can set up an authenticator app. */
  allowsApp: boolean
  /** Whether the user can add a passkey. */
  allowsPasskey: boolean
  hasApp: boolean
  /** Whether the user has a passkey, and the pool has passkeys. */
  hasPasskey: boolean
  /** Whether a code by mail is the second factor after a password, because the user has set up no other one. */
  isByEmail: boolean
}

export function secondFactorOf(
  user: Pick<User, 'pool' | 'roles' | 'hasTotp' | 'hasPasskey' | 'verifiedEmail'>,
  config: Accounts,
): SecondFactor {
  const { roles, hasTotp: hasApp, verifiedEmail } = user
  const { secondFactor, secondFactorRoles, emailCode, passkeys } = accountsOf(user.pool, config)
  const mustBePasskey = passkeys?.required ?? false
  const isOfRole = roles.some((role) => secondFactorRoles.includes(role))
  const isRequired = secondFactor === 'required' || isOfRole || mustBePasskey
  const allowsApp = isRequired || secondFactor === 'optional'
  const hasPasskey = passkeys !== null && user.hasPasskey
  const hasNone = !hasApp && !hasPasskey
  return {
    isRequired,
    isNeeded: isRequired || (allowsApp && hasApp),
    mustBePasskey,
    allowsApp,
    allowsPasskey: passkeys !== null,
    hasApp,
    hasPasskey,
    isByEmail: emailCode === 'second_factor' && hasNone && !mustBePasskey && verifiedEmail !== null,
  }
}

/** The factors of a user after a removal. */
interface FactorsLeft {
  hasTotp: boolean
  passkeys: readonly Pick<Passkey, 'id' | 'rpId'>[]
}

/**
 * Finds the factor that serves in place of a removed one. Without a required factor, the password alone would set up another one. A
 * passkey of an earlier relying party id does not serve.
 *
 * @returns null if the user cannot remove the factor
 */
export function findRemaining(
  user: Parameters<typeof secondFactorOf>[0],
  { hasTotp, passkeys }: FactorsLeft,
  config: Accounts,
): { remaining: RemainingFactor } | null {
  const left = secondFactorOf({ ...user, hasTotp, hasPasskey: passkeys.length > 0 }, config)
  if (!left.isRequired) return { remaining: null }
  const rpId = accountsOf(user.pool, config).passkeys?.rpId
  const usable = passkeys.find((passkey) => passkey.rpId === rpId)
  if (usable !== undefined) return { remaining: usable.id }
  if (left.mustBePasskey) return null
  if (left.hasApp) return { remaining: 'totp' }
  return left.isByEmail ? { remaining: 'email' } : null
}

/** The highest level that a sign-in of the pool can reach. */
export function highestLevelOf(pool: string, config: Accounts): AcrLevel {
  const { secondFactor, secondFactorRoles, emailCode, passkeys } = accountsOf(pool, config)
  const allowsApp = secondFactor !== 'off' || secondFactorRoles.length > 0
  return allowsApp || emailCode === 'second_factor' || passkeys !== null ? 2 : 1
}

/**
 * Whether a session with this proof must end, because the pool or a role of the user requires a second factor or a passkey. A factor
 * that the user has chosen does not end earlier sessions.
 */
export function isBelowRequiredLevel(
  user: Parameters<typeof secondFactorOf>[0],
  { acr, amr }: { acr: string | null; amr: readonly string[] | null },
  config: Accounts,
): boolean {
  const { isRequired, mustBePasskey } = secondFactorOf(user, config)
  return (isRequired && levelOf(acr) < 2) || (mustBePasskey && !hasProvenPasskey({ amr: amr ?? [] }))
}

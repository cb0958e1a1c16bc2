import type { Config } from '../config/config.ts'
import { accountsOf } from '../config/pool_settings.ts'
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
    ...{ allowsApp, allowsPasskey: passkeys !== null, hasApp, hasPasskey },
    isByEmail: emailCode === 'second_factor' && hasNone && !mustBePasskey && verifiedEmail !== null,
  }
}

/**
 * Whether the user can remove the app or the only passkey: no second factor is required, or another one serves in its place. Without a
 * required factor, the password alone would set up another one.
 */
export function canRemoveFactor(
  factor: 'hasTotp' | 'hasPasskey',
  user: Parameters<typeof secondFactorOf>[0],
  config: Accounts,
): boolean {
  const left = secondFactorOf({ ...user, [factor]: false }, config)
  if (!left.isRequired) return true
  return left.mustBePasskey ? left.hasPasskey : left.hasApp || left.hasPasskey || left.isByEmail
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

import type { Config } from '../config/config.ts'
import { accountsOf } from '../config/pool_settings.ts'
import type { User } from '../users/user.ts'
import { type AcrLevel, levelOf } from './authentication_level.ts'

type Accounts = Pick<Config, 'accounts'>

/** The second factor of a user, by the record of the user and `accounts` of config.yml. */
export interface SecondFactor {
  /** Whether the pool or a role of the user requires one. */
  isRequired: boolean
  /** Whether each sign-in needs one: it is required, or the user has chosen it. */
  isNeeded: boolean
  /** Whether the user can set one up. */
  isPossible: boolean
  /** Whether the user has set one up. */
  isSetUp: boolean
  /** Whether a code by mail is the second factor after a password, because the user has set up no other one. */
  isByEmail: boolean
}

export function secondFactorOf(
  user: Pick<User, 'pool' | 'roles' | 'hasTotp' | 'hasPasskey' | 'verifiedEmail'>,
  config: Accounts,
): SecondFactor {
  const { roles, hasTotp, hasPasskey, verifiedEmail } = user
  const { secondFactor, secondFactorRoles, emailCode, passkeys } = accountsOf(user.pool, config)
  const isRequired = secondFactor === 'required' || roles.some((role) => secondFactorRoles.includes(role))
  const allowsApp = isRequired || secondFactor === 'optional'
  const canUsePasskey = passkeys !== null && hasPasskey
  const isSetUp = hasTotp || canUsePasskey
  return {
    isRequired,
    isNeeded: isRequired || (allowsApp && hasTotp),
    isPossible: allowsApp || canUsePasskey,
    isSetUp,
    isByEmail: emailCode === 'second_factor' && !isSetUp && verifiedEmail !== null,
  }
}

/** The highest level that a sign-in of the pool can reach. */
export function highestLevelOf(pool: string, config: Accounts): AcrLevel {
  const { secondFactor, secondFactorRoles, emailCode, passkeys } = accountsOf(pool, config)
  const allowsApp = secondFactor !== 'off' || secondFactorRoles.length > 0
  return allowsApp || emailCode === 'second_factor' || passkeys !== null ? 2 : 1
}

/**
 * Whether a session of this level must end, because the pool or a role of the user requires a second factor. A factor that the user
 * has chosen does not end earlier sessions.
 */
export function isBelowRequiredLevel(
  user: Parameters<typeof secondFactorOf>[0],
  acr: string | null,
  config: Accounts,
): boolean {
  return levelOf(acr) < 2 && secondFactorOf(user, config).isRequired
}

import type { Config } from '../config/config.ts'
import type { User } from './user.ts'

/** The state of a user's password, which limits the tokens of the user. */
export interface PasswordState {
  /** Whether the user must set a new password. */
  mustChange: boolean
  /** Whether the password is in a known breach. */
  isBreached: boolean
  /** Whether the user can only change the password: access tokens have no scope and no role. */
  isRestricted: boolean
}

/** No limits. Subjects without a password have this state too. */
export const VALID_PASSWORD: PasswordState = { mustChange: false, isBreached: false, isRestricted: false }

/**
 * The current `breached_passwords.outcome` of config.yml also applies to breaches that were found earlier. Without
 * `breached_passwords`, a found breach has no effect.
 */
export function passwordStateOf(
  { mustChangePassword, passwordBreached }: Pick<User, 'mustChangePassword' | 'passwordBreached'>,
  { breachedPasswords }: Pick<Config, 'breachedPasswords'>,
): PasswordState {
  const isBreached = breachedPasswords !== null && passwordBreached
  const isRestricted = isBreached && breachedPasswords.outcome === 'change'
  return { mustChange: mustChangePassword || isRestricted, isBreached, isRestricted }
}

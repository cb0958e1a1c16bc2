import type { Config } from '../config/config.ts'
import type { User } from './user.ts'

/** The effects of a user's password on the tokens of the user. */
export interface PasswordStanding {
  /** Whether the user must set a new password. */
  mustChange: boolean
  /** Whether the password is in a known breach. */
  isBreached: boolean
  /** Whether the user can only change the password: the access tokens have no scope and no role. */
  isHeld: boolean
}

/** No effects: for a subject without a password, and for a user whose password is fine. */
export const GOOD_STANDING: PasswordStanding = { mustChange: false, isBreached: false, isHeld: false }

/** A stored finding has the outcome that config.yml has now. Without `breached_passwords` in config.yml it has no effect. */
export function passwordStandingOf(
  { mustChangePassword, passwordBreached }: Pick<User, 'mustChangePassword' | 'passwordBreached'>,
  { breachedPasswords }: Pick<Config, 'breachedPasswords'>,
): PasswordStanding {
  const isBreached = breachedPasswords !== null && passwordBreached
  const isHeld = isBreached && breachedPasswords.outcome === 'change'
  return { mustChange: mustChangePassword || isHeld, isBreached, isHeld }
}

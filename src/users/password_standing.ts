import type { Config } from '../config/config.ts'
import type { User } from './user.ts'

/** What a person's password says of their tokens. */
export interface PasswordStanding {
  /** Whether they are to set a new one. */
  mustChange: boolean
  /** Whether a known breach has it. */
  isBreached: boolean
  /** Whether they may do nothing else until then: their access tokens have no scope and no role. */
  isHeld: boolean
}

/** Of whoever has no password, and of everybody whose password is as it should be. */
export const GOOD_STANDING: PasswordStanding = { mustChange: false, isBreached: false, isHeld: false }

/** What was found counts by the outcome that config.yml has now, and not at all where nobody is asked any more. */
export function passwordStandingOf(
  { mustChangePassword, passwordBreached }: Pick<User, 'mustChangePassword' | 'passwordBreached'>,
  { breachedPasswords }: Pick<Config, 'breachedPasswords'>,
): PasswordStanding {
  const isBreached = breachedPasswords !== null && passwordBreached
  const isHeld = isBreached && breachedPasswords.outcome === 'change'
  return { mustChange: mustChangePassword || isHeld, isBreached, isHeld }
}

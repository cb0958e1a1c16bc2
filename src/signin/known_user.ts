import { normalizeUsername } from '@sallyport/formats/username'
import type { Config } from '../config/config.ts'
import { passwordStateOf } from '../users/password_state.ts'
import type { User } from '../users/user.ts'
import type { KnownUser } from './next_step.ts'
import type { Proof } from './proof.ts'
import { secondFactorOf } from './second_factor.ts'

/** A user who has proven the first factor. */
interface ProvenUser extends Proof {
  user: User
}

/** Describes a user for the state machine. */
export function knownUser(
  { user, authTime, amr, acr }: ProvenUser,
  config: Pick<Config, 'accounts' | 'breachedPasswords'>,
): KnownUser {
  const { verifiedEmail } = user
  return {
    subject: user.id,
    names: [user.username, ...(verifiedEmail === null ? [] : [normalizeName(verifiedEmail)])],
    authTime,
    amr,
    acr,
    secondFactor: secondFactorOf(user, config),
    mustChangePassword: passwordStateOf(user, config).mustChange,
  }
}

/** The form of a name in which names are compared. A text that is no possible username keeps its form. */
export function normalizeName(name: string): string {
  return normalizeUsername(name) ?? name
}

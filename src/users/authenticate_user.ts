import { wrongCredentials } from '../oauth/errors.ts'
import { passwordForms } from './password.ts'
import type { PasswordHasher } from './password_hash.ts'
import type { User } from './user.ts'
import type { UserStore } from './user_store.ts'
import { normalizeUsername } from './username.ts'

/** What a person presents, as it came. */
export interface UserCredentials {
  pool: string
  username: string
  password: string
}

interface Dependencies {
  users: Pick<UserStore, 'findByUsername'>
  passwords: Pick<PasswordHasher, 'verify'>
}

/**
 * The person that a name and a password prove. Every failure costs the same, whoever does not exist, mistyped or is
 * disabled: a read near the caller, a hash, and a read of the primary in case the replica was behind a change.
 *
 * @throws OAuthError invalid_grant, the same for every reason
 */
export async function authenticateUser(
  { pool, username, password }: UserCredentials,
  { users, passwords }: Dependencies,
): Promise<User> {
  const name = normalizeUsername(username)
  const forms = passwordForms(password)
  if (name === null || forms === null) throw wrongCredentials('a name or password that nobody can have')
  let user = await users.findByUsername(pool, name, 'replica')
  let proven = await passwords.verify(forms, user?.passwordHash ?? null)
  if (!proven || !user?.enabled) {
    const newest = await users.findByUsername(pool, name, 'primary')
    const changed = newest?.passwordHash !== user?.passwordHash
    user = newest
    if (changed) proven = await passwords.verify(forms, newest?.passwordHash ?? null)
  }
  if (user === null) throw wrongCredentials('unknown user')
  if (!proven) throw wrongCredentials('wrong password', { subject: user.id })
  if (!user.enabled) throw wrongCredentials('disabled user', { subject: user.id })
  return user
}

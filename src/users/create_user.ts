import type { Config } from '../config/config.ts'
import { encodePassword, MAX_PASSWORD_CHARACTERS } from './password.ts'
import type { PasswordHasher } from './password_hash.ts'
import { generateUserId, type User } from './user.ts'
import { normalizeUsername } from './username.ts'
import { GUEST } from './visitor.ts'

/** A person to be added, as an operator names them. */
export interface UserDraft {
  pool: string
  username: string
  password: string
  roles: string[]
  enabled: boolean
  /** False where it is absent. */
  mustChangePassword?: boolean
}

/** A person who cannot be added; the message says why, to the operator. */
export class UserRefused extends Error {
  override name = 'UserRefused'
}

interface Dependencies {
  passwords: Pick<PasswordHasher, 'hash'>
  config: Pick<Config, 'apis'>
}

/** Makes a user from a draft, hashing the password. @throws UserRefused */
export async function createUser(
  draft: UserDraft,
  { passwords, config }: Dependencies,
  now: number,
): Promise<User> {
  const { pool, roles, enabled } = draft
  const username = normalizeUsername(draft.username)
  const password = encodePassword(draft.password)
  if (username === null) throw new UserRefused('the username is empty, too long or not plain text')
  if (password === null || password.length === 0) {
    throw new UserRefused(`the password must be plain text of 1 to ${MAX_PASSWORD_CHARACTERS} characters`)
  }
  if (username === GUEST && hasGuests(config, pool)) {
    throw new UserRefused(`"${GUEST}" is the name of anonymous visitors in the pool "${pool}"`)
  }
  const passwordHash = await passwords.hash(password)
  return {
    id: generateUserId(),
    pool,
    username,
    passwordHash,
    enabled,
    roles,
    mustChangePassword: draft.mustChangePassword ?? false,
    createdAt: now,
    tokensValidFrom: 0,
    keptSid: null,
    keptFrom: 0,
  }
}

function hasGuests(config: Pick<Config, 'apis'>, pool: string): boolean {
  return [...config.apis.values()].some((api) => api.userPool === pool && api.guests)
}

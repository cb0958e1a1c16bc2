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

/** A person who cannot be added or changed so; the message says why, to the operator. */
export class UserRefused extends Error {
  override name = 'UserRefused'
  /** The field that is to blame. */
  readonly field: 'username' | 'password'

  constructor(field: UserRefused['field'], message: string) {
    super(message)
    this.field = field
  }
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
  const { pool, roles, enabled, mustChangePassword = false } = draft
  const username = requireUsername(draft.username, pool, config)
  const passwordHash = await passwords.hash(requirePassword(draft.password))
  return {
    id: generateUserId(),
    pool,
    username,
    passwordHash,
    enabled,
    roles,
    mustChangePassword,
    createdAt: now,
    tokensValidFrom: 0,
    keptSid: null,
    keptFrom: 0,
  }
}

/** A username of a pool, normalised. @throws UserRefused */
export function requireUsername(text: string, pool: string, config: Pick<Config, 'apis'>): string {
  const username = normalizeUsername(text)
  if (username === null) {
    throw new UserRefused('username', 'the username is empty, too long or not plain text')
  }
  if (username === GUEST && hasGuests(config, pool)) {
    throw new UserRefused('username', `"${GUEST}" is the name of anonymous visitors in the pool "${pool}"`)
  }
  return username
}

/** The bytes of a new password. @throws UserRefused */
export function requirePassword(text: string): Uint8Array {
  const password = encodePassword(text)
  if (password === null || password.length === 0) {
    const message = `the password must be plain text of 1 to ${MAX_PASSWORD_CHARACTERS} characters`
    throw new UserRefused('password', message)
  }
  return password
}

function hasGuests(config: Pick<Config, 'apis'>, pool: string): boolean {
  return [...config.apis.values()].some((api) => api.userPool === pool && api.guests)
}

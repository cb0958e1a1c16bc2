import type { Config } from '../config/config.ts'
import { encodePassword, MAX_PASSWORD_CHARACTERS } from './password.ts'
import type { PasswordHasher } from './password_hash.ts'
import { describeHash } from './schemes/read_hash.ts'
import { generateUserId, type User } from './user.ts'
import { normalizeUsername } from './username.ts'
import { GUEST } from './visitor.ts'

/** A person to be added, as an operator names them. */
interface PersonDraft {
  pool: string
  username: string
  roles: string[]
  enabled: boolean
  /** False where it is absent. */
  mustChangePassword?: boolean
}

export interface UserDraft extends PersonDraft {
  password: string
}

/** A person who comes from another system, with the hash that it had of their password. */
export interface ImportedUserDraft extends PersonDraft {
  /** In a form of docs/password-hashes.md. */
  passwordHash: string
}

/** A person who cannot be added or changed so; the message says why, to the operator. */
export class UserRefused extends Error {
  override name = 'UserRefused'
  /** What is to blame, by its name on the wire. */
  readonly field: 'pool' | 'username' | 'password' | 'password_hash' | 'roles'

  constructor(field: UserRefused['field'], message: string) {
    super(message)
    this.field = field
  }
}

interface Dependencies {
  passwords: Pick<PasswordHasher, 'hash'>
  config: Pick<Config, 'apis'>
}

/** The longest role, in Unicode code points. */
export const MAX_ROLE_CHARACTERS = 64

/** Makes a user from a draft, hashing the password. @throws UserRefused */
export async function createUser(
  draft: UserDraft,
  { passwords, config }: Dependencies,
  now: number,
): Promise<User> {
  const person = requirePerson(draft, config)
  return toUser(person, await passwords.hash(requirePassword(draft.password)), now)
}

/** Makes a user from a draft that brings a hash, which stays as it is until the first sign-in. @throws UserRefused */
export function importUser(
  draft: ImportedUserDraft,
  { config }: Pick<Dependencies, 'config'>,
  now: number,
): User {
  const person = requirePerson(draft, config)
  const description = describeHash(draft.passwordHash)
  if (!description.isAccepted) {
    throw new UserRefused('password_hash', `the password hash is not taken: ${description.reason}`)
  }
  return toUser(person, draft.passwordHash, now)
}

/** The draft with its name as it is stored. @throws UserRefused */
function requirePerson(
  { pool, roles, enabled, mustChangePassword = false, ...draft }: PersonDraft,
  config: Dependencies['config'],
): Required<PersonDraft> {
  const pools = new Set([...config.apis.values()].map((api) => api.userPool))
  if (!pools.has(pool)) {
    const message = `config.yml has no API with the user pool "${pool}": it has ${[...pools].join(', ')}`
    throw new UserRefused('pool', message)
  }
  const username = requireUsername(draft.username, pool, config)
  if (!roles.every(isRole)) {
    const message = `a role must be plain text of 1 to ${MAX_ROLE_CHARACTERS} characters, no space around it`
    throw new UserRefused('roles', message)
  }
  return { pool, username, roles, enabled, mustChangePassword }
}

/** A username of a pool, normalised. @throws UserRefused */
export function requireUsername(text: string, pool: string, config: Dependencies['config']): string {
  const username = normalizeUsername(text)
  if (username === null) {
    throw new UserRefused('username', 'the username is empty, too long or not plain text')
  }
  const hasGuests = [...config.apis.values()].some((api) => api.userPool === pool && api.guests)
  if (username === GUEST && hasGuests) {
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

export function isRole(text: string): boolean {
  const isPlain = text.isWellFormed() && !/\p{Cc}/u.test(text) && text.trim() === text
  return isPlain && text !== '' && [...text].length <= MAX_ROLE_CHARACTERS
}

function toUser(person: Required<PersonDraft>, passwordHash: string, now: number): User {
  return {
    ...person,
    id: generateUserId(),
    passwordHash,
    createdAt: now,
    tokensValidFrom: 0,
    keptSid: null,
    keptFrom: 0,
  }
}

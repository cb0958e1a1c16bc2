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

/** A person who cannot be added; the message says why, to the operator. */
export class UserRefused extends Error {
  override name = 'UserRefused'
}

interface Dependencies {
  passwords: Pick<PasswordHasher, 'hash'>
  config: Pick<Config, 'apis'>
}

const MAX_ROLE_CHARACTERS = 64

/** Makes a user from a draft, hashing the password. @throws UserRefused */
export async function createUser(
  draft: UserDraft,
  { passwords, config }: Dependencies,
  now: number,
): Promise<User> {
  const person = requirePerson(draft, config)
  const password = encodePassword(draft.password)
  if (password === null || password.length === 0) {
    throw new UserRefused(`the password must be plain text of 1 to ${MAX_PASSWORD_CHARACTERS} characters`)
  }
  return toUser(person, await passwords.hash(password), now)
}

/** Makes a user from a draft that brings a hash, which stays as it is until the first sign-in. @throws UserRefused */
export function importUser(
  draft: ImportedUserDraft,
  { config }: Pick<Dependencies, 'config'>,
  now: number,
): User {
  const person = requirePerson(draft, config)
  const description = describeHash(draft.passwordHash)
  if (!description.isAccepted) throw new UserRefused(`the password hash is not taken: ${description.reason}`)
  return toUser(person, draft.passwordHash, now)
}

/** The draft with its name as it is stored. @throws UserRefused */
function requirePerson(
  { pool, roles, enabled, mustChangePassword = false, ...draft }: PersonDraft,
  config: Dependencies['config'],
): Required<PersonDraft> {
  const apis = [...config.apis.values()]
  const pools = new Set(apis.map((api) => api.userPool))
  if (!pools.has(pool)) {
    throw new UserRefused(
      `config.yml has no API with the user pool "${pool}": it has ${[...pools].join(', ')}`,
    )
  }
  const username = normalizeUsername(draft.username)
  if (username === null) throw new UserRefused('the username is empty, too long or not plain text')
  if (username === GUEST && apis.some((api) => api.userPool === pool && api.guests)) {
    throw new UserRefused(`"${GUEST}" is the name of anonymous visitors in the pool "${pool}"`)
  }
  if (!roles.every(isRole)) {
    throw new UserRefused(
      `a role must be plain text of 1 to ${MAX_ROLE_CHARACTERS} characters, no space around it`,
    )
  }
  return { pool, username, roles, enabled, mustChangePassword }
}

function isRole(text: string): boolean {
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

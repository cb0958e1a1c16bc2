import { isRole, ROLE_RULE } from '@sallyport/formats/role'
import { HashRefused } from '@sallyport/formats/schemes/hash_scheme'
import { findUsernameProblem, foldUsername } from '@sallyport/formats/username'
import type { Config } from '../config/config.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { BreachedPasswords, Occasion } from './breaches/breached_passwords.ts'
import { COMMON_PASSWORDS, type CommonPasswords } from './common_passwords.ts'
import { countCharacters, encodePassword, MAX_PASSWORD_CHARACTERS } from './password.ts'
import type { ImportedHash, PasswordHasher } from './password_hash.ts'
import { generateUserId, type UnstoredUser } from './user.ts'
import { GUEST } from './visitor.ts'

/** The fields of a new user, from an operator. */
interface BaseDraft {
  pool: string
  username: string
  roles: string[]
  enabled: boolean
  /** The default is false. */
  mustChangePassword?: boolean
}

export interface UserDraft extends BaseDraft {
  password: string
}

/** A user of another system, with the password hash of that system. */
export interface ImportedUserDraft extends BaseDraft {
  /** A hash in a format of docs/password-hashes.md. */
  passwordHash: string
}

/** The values of a user are refused. The message gives the reason to the operator. */
export class UserRefused extends Error {
  override name = 'UserRefused'
  /** The JSON name of the refused field. */
  readonly field: 'pool' | 'username' | 'password' | 'password_hash' | 'roles'

  constructor(field: UserRefused['field'], message: string) {
    super(message)
    this.field = field
  }
}

/** The rules of new passwords. */
export const PASSWORD_RULES = ['length', 'common', 'breached', 'same'] as const
export type PasswordRule = (typeof PASSWORD_RULES)[number]

/** A new password is refused. */
export class PasswordRefused extends UserRefused {
  override name = 'PasswordRefused'
  readonly rule: PasswordRule

  constructor(rule: PasswordRule, message: string) {
    super('password', message)
    this.rule = rule
  }
}

/** The services that check and hash a new password. */
export interface PasswordDependencies {
  passwords: Pick<PasswordHasher, 'hash'>
  commonPasswords: Pick<CommonPasswords, 'has'>
  breaches: Pick<BreachedPasswords, 'find'>
  config: Pick<Config, 'apis' | 'minimumPasswordLength'>
}

/** The context of a new password. */
export interface PasswordSetting {
  occasion: Omit<Occasion, 'at'>
  context: RequestContext
}

/** The stored values of a new password. */
export interface NewPassword {
  /** A PHC string. */
  passwordHash: string
  /** The time of the check against known breaches, in Unix seconds; null if there was no check. */
  breachCheckedAt: number | null
}

/** The stored hash, and whether another import may replace it. */
type StoredPassword = NewPassword & Pick<UnstoredUser, 'isHashReplaceable'>

type ImportingHasher = Pick<PasswordHasher, 'readImported' | 'adopt'>

/** Makes a user from a draft and hashes the password. @throws UserRefused */
export async function createUser(
  { password, ...draft }: UserDraft,
  dependencies: PasswordDependencies,
  setting: PasswordSetting,
): Promise<UnstoredUser> {
  const fields = requireValid(draft, dependencies.config)
  const made = await makePassword(password, dependencies, setting)
  return toUser(fields, { ...made, isHashReplaceable: false }, setting.context.now)
}

/**
 * Checks and hashes a new password. The server refuses a password from a known breach (NIST SP 800-63B-4 §3.1.1.2). If the breach
 * service is down, the server accepts the password, and the next sign-in checks it. If the list of common passwords cannot be
 * read, the server accepts no new password.
 *
 * @throws UserRefused
 * @throws OAuthError temporarily_unavailable
 * @throws StorageUnavailable
 */
export async function makePassword(
  text: string,
  { passwords, commonPasswords, breaches, config }: PasswordDependencies,
  { occasion, context }: PasswordSetting,
): Promise<NewPassword> {
  const password = requirePassword(text, config)
  if (await commonPasswords.has(text)) throw commonPassword()
  const finding = await breaches.find(password, { ...occasion, at: 'set' }, context)
  if (finding === 'found') throw breachedPassword()
  const breachCheckedAt = finding === 'clear' ? context.now : null
  return { passwordHash: await passwords.hash(password), breachCheckedAt }
}

function commonPassword(): PasswordRefused {
  const count = COMMON_PASSWORDS.toLocaleString('en')
  return new PasswordRefused(
    'common',
    `the password is one of the ${count} most common passwords: choose another one`,
  )
}

function breachedPassword(): PasswordRefused {
  return new PasswordRefused(
    'breached',
    'the password is in a list of known breaches: choose another password',
  )
}

/**
 * Makes a user from a draft with a hash of another system. Until the first sign-in, D1 has this hash. A fast hash is wrapped in
 * Argon2id.
 *
 * @throws UserRefused
 * @throws OAuthError temporarily_unavailable
 */
export async function importUser(
  draft: ImportedUserDraft,
  { passwords, config }: { passwords: ImportingHasher; config: Pick<Config, 'apis'> },
  now: number,
): Promise<UnstoredUser> {
  const fields = requireValid(draft, config)
  const passwordHash = await passwords.adopt(requireImportedHash(draft.passwordHash, passwords))
  return toUser(fields, { passwordHash, breachCheckedAt: null, isHashReplaceable: true }, now)
}

/**
 * Makes a user without a password. No sign-in succeeds until an operator sets a password. The stored hash is random bytes in the
 * format of a new hash. So a sign-in takes the same time as for other users.
 *
 * @throws UserRefused
 */
export function createUserWithoutPassword(
  draft: BaseDraft,
  { passwords, config }: { passwords: Pick<PasswordHasher, 'makeUnusable'>; config: Pick<Config, 'apis'> },
  now: number,
): UnstoredUser {
  const fields = requireValid({ ...draft, mustChangePassword: true }, config)
  const passwordHash = passwords.makeUnusable()
  return toUser(fields, { passwordHash, breachCheckedAt: null, isHashReplaceable: true }, now)
}

/** @throws UserRefused */
export function requireImportedHash(text: string, passwords: ImportingHasher): ImportedHash {
  try {
    return passwords.readImported(text)
  } catch (error) {
    if (!(error instanceof HashRefused)) throw error
    throw new UserRefused('password_hash', `the password hash is refused: ${error.message}`)
  }
}

/** Checks the fields of a draft and normalises the username. @throws UserRefused */
function requireValid(
  { pool, roles, enabled, mustChangePassword = false, ...draft }: BaseDraft,
  config: Pick<Config, 'apis'>,
): Required<BaseDraft> {
  const pools = new Set([...config.apis.values()].map((api) => api.userPool))
  if (!pools.has(pool)) {
    const message = `config.yml has no API with the user pool "${pool}": it has ${[...pools].join(', ')}`
    throw new UserRefused('pool', message)
  }
  const username = requireUsername(draft.username, pool, config)
  if (!roles.every(isRole)) {
    throw new UserRefused('roles', `a role ${ROLE_RULE}`)
  }
  return { pool, username, roles, enabled, mustChangePassword }
}

/** Normalises a username of a pool. @throws UserRefused */
export function requireUsername(text: string, pool: string, config: Pick<Config, 'apis'>): string {
  const problem = findUsernameProblem(text)
  if (problem !== null) throw new UserRefused('username', `the username ${problem}`)
  const username = foldUsername(text)
  const hasGuests = [...config.apis.values()].some((api) => api.userPool === pool && api.guests)
  if (username === GUEST && hasGuests) {
    throw new UserRefused('username', `"${GUEST}" is the name of anonymous visitors in the pool "${pool}"`)
  }
  return username
}

/** Encodes a new password of an allowed length. @throws PasswordRefused */
function requirePassword(
  text: string,
  { minimumPasswordLength: shortest }: Pick<Config, 'minimumPasswordLength'>,
): Uint8Array {
  const password = encodePassword(text)
  if (password !== null && countCharacters(text) < shortest) {
    throw new PasswordRefused(
      'length',
      `the password is too short: it must have at least ${shortest} characters`,
    )
  }
  if (password === null) {
    const message = `the password must be plain text of ${shortest} to ${MAX_PASSWORD_CHARACTERS} characters`
    throw new PasswordRefused('length', message)
  }
  return password
}

/** The reason to refuse the length of a new password; null for an allowed length. */
export function findPasswordLengthProblem(
  text: string,
  config: Pick<Config, 'minimumPasswordLength'>,
): string | null {
  try {
    requirePassword(text, config)
    return null
  } catch (error) {
    if (error instanceof UserRefused) return error.message
    throw error
  }
}

function toUser(fields: Required<BaseDraft>, password: StoredPassword, now: number): UnstoredUser {
  return {
    ...fields,
    id: generateUserId(),
    ...password,
    passwordBreached: false,
    deletionAt: null,
    hasTotp: false,
    hasPasskey: false,
    createdAt: now,
    tokensValidFrom: 0,
    accessValidFrom: 0,
  }
}

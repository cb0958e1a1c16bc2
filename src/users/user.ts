import * as z from 'zod/mini'
import { randomId } from '../lib/bytes.ts'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { CorruptRecord } from '../lib/storage_error.ts'

/** A user of a pool. */
export interface User {
  /** The `sub` of the user's tokens. Immutable. The prefix `user:` separates it from the ids of guests and clients. */
  id: string
  pool: string
  /** Normalised (`normalizeUsername`). */
  username: string
  /** A hash in a stored format of docs/password-hashes.md. */
  passwordHash: string
  /** Whether another import may replace the hash: no sign-in has used it, and this server did not set the password. */
  isHashReplaceable: boolean
  enabled: boolean
  roles: string[]
  /** Whether an operator requires a password change. Access tokens have this as a claim. */
  mustChangePassword: boolean
  /** Whether the user has confirmed an authenticator app. */
  hasTotp: boolean
  /** Whether the user has a passkey. */
  hasPasskey: boolean
  /** The time of the last check of the password against known breaches, in Unix seconds; null if there was no check. */
  breachCheckedAt: number | null
  /** Whether that check found the password. */
  passwordBreached: boolean
  /** When the account is erased, in Unix seconds; null if its user has not asked for the deletion. A sign-in before cancels it. */
  deletionAt: number | null
  /** Unix seconds. */
  createdAt: number
  /** The server refuses all tokens issued before this second. Unix seconds. */
  tokensValidFrom: number
  /** The server refuses access tokens issued before this second. Refresh tokens stay valid. Unix seconds. */
  accessValidFrom: number
  /** The verified email address, in lower case; null without one. D1 computes it from the profile. */
  verifiedEmail: string | null
}

/** A user before the first write. */
export type UnstoredUser = Omit<User, 'verifiedEmail'>

/** A user with the data for ID tokens and userinfo. */
export interface StoredUser extends User {
  /** The column `profile`, for `decodeProfile`. Only a request that needs the profile decodes it. */
  profileJson: string
  /** The last change by an operator, in Unix seconds; null before the first change. */
  updatedAt: number | null
}

const rowSchema = z.object({
  id: z.string().check(z.startsWith('user:')),
  pool: z.string(),
  username: z.string(),
  password_hash: z.string(),
  hash_replaceable: z.int(),
  enabled: z.int(),
  roles: z.string(),
  must_change_password: z.int(),
  has_totp: z.int(),
  has_passkey: z.int(),
  breach_checked_at: z.nullable(z.int()),
  password_breached: z.int(),
  deletion_at: z.nullable(z.int()),
  created_at: z.int(),
  tokens_valid_from: z.int(),
  access_valid_from: z.int(),
  verified_email: z.nullable(z.string()),
  profile: z.string(),
  updated_at: z.nullable(z.int()),
})
/** The columns of `users` that make a StoredUser. */
export const USER_COLUMNS = Object.keys(rowSchema.shape)

const rolesSchema: z.ZodMiniType<string[]> = z.array(z.string())

/** Whether a text has the form of a user's id. The pseudonym of an erased user is none. */
export function isUserId(text: string): boolean {
  return text.startsWith('user:') && !text.startsWith('user:erased-')
}

/** @param database The name of the database of the user (`UserDatabases`); empty for the main database. */
export function generateUserId(database = ''): string {
  return `user:${database === '' ? '' : `${database}.`}${randomId(16)}`
}

/** The latest time of a revocation after now. A later time is an error, such as a time in milliseconds. */
export const MAX_AHEAD_SECONDS = 60

/**
 * The `iat` of new tokens of a user. For a few seconds after a revocation, it is in the future, so that the revocation does not
 * end the new tokens.
 *
 * @returns Unix seconds
 * @throws CorruptRecord if a revocation is more than MAX_AHEAD_SECONDS in the future
 */
export function issueTimeOf({ id, tokensValidFrom, accessValidFrom }: User, now: number): number {
  const validFrom = Math.max(tokensValidFrom, accessValidFrom)
  if (validFrom > now + MAX_AHEAD_SECONDS)
    throw new CorruptRecord(`the time of a revocation of ${id} is in the future`)
  return Math.max(now, validFrom)
}

/** Decodes a row of `users`. @throws CorruptRecord */
export function decodeUserRow(value: unknown): StoredUser {
  const row = decodeRecord(rowSchema, 'user', value)
  return {
    id: row.id,
    pool: row.pool,
    username: row.username,
    passwordHash: row.password_hash,
    isHashReplaceable: row.hash_replaceable === 1,
    enabled: row.enabled === 1,
    roles: decodeRecord(rolesSchema, `roles of ${row.id}`, parseJsonColumn(`roles of ${row.id}`, row.roles)),
    mustChangePassword: row.must_change_password === 1,
    hasTotp: row.has_totp === 1,
    hasPasskey: row.has_passkey === 1,
    breachCheckedAt: row.breach_checked_at,
    passwordBreached: row.password_breached === 1,
    deletionAt: row.deletion_at,
    createdAt: row.created_at,
    tokensValidFrom: row.tokens_valid_from,
    accessValidFrom: row.access_valid_from,
    verifiedEmail: row.verified_email,
    profileJson: row.profile,
    updatedAt: row.updated_at,
  }
}

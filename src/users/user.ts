import * as z from 'zod/mini'
import { randomId } from '../lib/bytes.ts'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { CorruptRecord } from '../lib/storage_error.ts'

/** A person of one pool. */
export interface User {
  /** Immutable, and no visitor's or client's: it begins with `user:`. The `sub` of the person's tokens. */
  id: string
  pool: string
  /** Normalised (`normalizeUsername`). */
  username: string
  /** A text that `readHash` takes. */
  passwordHash: string
  /** Whether another import may replace the hash: no sign-in has used it, and no password was set here. */
  isHashReplaceable: boolean
  enabled: boolean
  roles: string[]
  /** Whether an operator asks for a new password: the person's access tokens say so. */
  mustChangePassword: boolean
  /** When a known breach was last looked through for the password, in Unix seconds; null where none was. */
  breachCheckedAt: number | null
  /** Whether it was found then. */
  passwordBreached: boolean
  /** Unix seconds. */
  createdAt: number
  /** The person's tokens issued before this second are dead. Unix seconds. */
  tokensValidFrom: number
  /** The one session that goes on all the same; null where there is none. */
  keptSid: string | null
  /** That session's tokens issued before this second had died already. Unix seconds. */
  keptFrom: number
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
  breach_checked_at: z.nullable(z.int()),
  password_breached: z.int(),
  created_at: z.int(),
  tokens_valid_from: z.int(),
  kept_sid: z.nullable(z.string()),
  kept_from: z.int(),
})
/** The columns of `users` that make a User. */
export const USER_COLUMNS = Object.keys(rowSchema.shape)

const rolesSchema: z.ZodMiniType<string[]> = z.array(z.string())

export function generateUserId(): string {
  return `user:${randomId(16)}`
}

/** How far a cut-off may lie ahead: more is a slip, such as milliseconds. */
export const MAX_AHEAD_SECONDS = 60

/**
 * What a token that is issued to a person now is dated: later than now where they were signed out everywhere a moment
 * ago, so that it lives.
 *
 * @throws CorruptRecord where that would be far ahead
 */
export function issueTimeOf({ id, tokensValidFrom }: User, now: number): number {
  if (tokensValidFrom > now + MAX_AHEAD_SECONDS)
    throw new CorruptRecord(`tokens_valid_from of ${id} lies ahead`)
  return Math.max(now, tokensValidFrom)
}

/** Whether the refresh tokens of a session ended with the person's others. */
export function isSignedOut(
  user: User,
  { sid, issuedAt }: { sid: string | null; issuedAt: number },
): boolean {
  const isKept = sid !== null && sid === user.keptSid
  return issuedAt < (isKept ? user.keptFrom : user.tokensValidFrom)
}

/** Decodes a row of `users`. @throws CorruptRecord */
export function decodeUserRow(value: unknown): User {
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
    breachCheckedAt: row.breach_checked_at,
    passwordBreached: row.password_breached === 1,
    createdAt: row.created_at,
    tokensValidFrom: row.tokens_valid_from,
    keptSid: row.kept_sid,
    keptFrom: row.kept_from,
  }
}

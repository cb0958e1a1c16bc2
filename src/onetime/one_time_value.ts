import { base64url } from 'jose'
import { randomId, sha256 } from '../lib/bytes.ts'

/** A code from a mail, a sign-up, a link, a sign-in in steps, a challenge for a passkey, and the assertion of a client. */
export const ONE_TIME_KINDS = [
  'email_code',
  'second_factor',
  'sign_up',
  'link',
  'auth_session',
  'passkey_challenge',
  'client_assertion',
] as const
export type OneTimeKind = (typeof ONE_TIME_KINDS)[number]

/** The longest lifetime, because a row stays until its end. */
export const MAX_LIFETIME_SECONDS = 30 * 86_400

/** The default number of tries of a code. */
const CODE_TRIES = 5

export interface NewOneTimeValue {
  kind: OneTimeKind
  /** A JSON value. The store seals it. */
  data: unknown
  lifetimeSeconds: number
  /** A short code that the user types; absent for a value whose token is its only proof. */
  code?: string
  /** The number of tries of the code. */
  maxTries?: number
}

/** The name of a stored value. */
export interface OneTimeReference {
  kind: OneTimeKind
  /** The token that `create` returned, or any other text of a caller. */
  token: string
}

/** The result of a try. `data` is that of the value. */
export type TriedCode<T> = (
  | { outcome: 'right'; data: T }
  | { outcome: 'wrong'; data: T; triesLeft: number }
  /** The value is unknown, used or expired, or has no tries left. */
  | { outcome: 'gone' }
) & {
  /** The rows of the statements that counted the try; absent without any. */
  counted?: { tried: unknown[]; wrong: unknown[][] }
}

/** 256 random bits. */
const TOKEN_BYTES = 32
const TOKEN = /^[A-Za-z0-9_-]{43}$/

export function generateToken(): string {
  return randomId(TOKEN_BYTES)
}

/** The id of a token's row; null for a text that is not a token. */
export async function idOfToken(token: string): Promise<string | null> {
  return TOKEN.test(token) ? base64url.encode(await sha256(token)) : null
}

export function triesOf({ code, maxTries = CODE_TRIES }: NewOneTimeValue): number {
  return code === undefined ? 0 : maxTries
}

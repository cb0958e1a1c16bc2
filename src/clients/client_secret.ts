import { base64url } from 'jose'
import { equalInConstantTime, randomId, sha256 } from '../lib/bytes.ts'
import { type ClientAuthentication, type ClientSecret, secretsOf } from './client.ts'

/** A client has at most two live secrets, so that an operator can replace a secret without an outage. */
const MAX_LIVE_SECRETS = 2

/** The prefix lets secret scanners find a secret. */
const PREFIX = 'sps_'
const SECRET_BYTES = 32

/** The placeholder for a missing secret in a comparison. No known secret has this hash. */
const NO_HASH = new Uint8Array(32)

/** Makes a secret of 256 random bits. */
export function generateClientSecret(): string {
  return `${PREFIX}${randomId(SECRET_BYTES)}`
}

/** A secret of 256 bits that are already random. */
export function formatClientSecret(bits: Uint8Array): string {
  return `${PREFIX}${base64url.encode(bits)}`
}

/** Makes a random id for a secret. It reveals nothing about the secret. */
export function generateSecretId(): string {
  return randomId(8)
}

/** SHA-256 is enough, because 256 random bits cannot be guessed (docs/decisions/0003). */
export async function hashClientSecret(secret: string): Promise<string> {
  return base64url.encode(await sha256(secret))
}

/** A secret to store. */
export interface NewSecret {
  id: string
  /** SHA-256 of the secret, base64url. */
  hash: string
}

export async function hashSecret({ id, secret }: { id: string; secret: string }): Promise<NewSecret> {
  return { id, hash: await hashClientSecret(secret) }
}

/**
 * Returns the hash of the presented secret if the client has this secret, else null. Each possible value costs one hash and two
 * comparisons, also for an unknown client and a public client.
 *
 * @param candidates The possible values of the presented secret. An empty list costs the same as one empty secret.
 */
export async function verifyClientSecret(
  candidates: readonly string[],
  authentication: ClientAuthentication | null,
  now: number,
): Promise<string | null> {
  const secrets = authentication === null ? [] : secretsOf(authentication)
  const live = secrets.filter((secret) => isLive(secret, now))
  let matched: Uint8Array | null = null
  for (const candidate of candidates.length === 0 ? [''] : candidates) {
    const hash = await sha256(candidate)
    if (isOneOf(hash, live)) matched = hash
  }
  return matched && base64url.encode(matched)
}

function isOneOf(hash: Uint8Array, live: readonly ClientSecret[]): boolean {
  let matched = false
  for (let i = 0; i < MAX_LIVE_SECRETS; i++) {
    const secret = live[i]
    const expected = secret ? base64url.decode(secret.hash) : NO_HASH
    if (equalInConstantTime(hash, expected)) matched = true
  }
  return matched
}

function isLive(secret: ClientSecret, now: number): boolean {
  return secret.expiresAt === null || secret.expiresAt > now
}

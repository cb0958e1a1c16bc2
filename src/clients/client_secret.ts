import { base64url } from 'jose'
import { equalInConstantTime, randomId, sha256 } from '../lib/bytes.ts'
import type { Client, ClientSecret } from './client.ts'

/** A client has at most two live secrets, so that one can replace the other without a gap. */
const MAX_LIVE_SECRETS = 2

/** The hash that stands in where there is none to compare with: no secret is known to give it. */
const NO_HASH = new Uint8Array(32)

/** A new secret: 256 random bits behind a prefix that secret scanners can find. */
export function generateClientSecret(): string {
  return `sps_${randomId(32)}`
}

/** A name for a secret that says nothing of it. */
export function generateSecretId(): string {
  return randomId(8)
}

/** SHA-256 is the right hash for 256 random bits: there is nothing to guess (docs/decisions/0003). */
export async function hashClientSecret(secret: string): Promise<string> {
  return base64url.encode(await sha256(secret))
}

/**
 * The hash of the presented secret if it is one of the client's, else null. The work depends only on the number of readings:
 * one hash and two comparisons for each. It is the same for an unknown client, and for each reading that can match.
 *
 * @param readings The possible values of the presented secret; without one, the work is that of an empty secret.
 */
export async function verifyClientSecret(
  readings: readonly string[],
  client: Client | null,
  now: number,
): Promise<string | null> {
  const live = (client?.secrets ?? []).filter((secret) => isLive(secret, now))
  let matched: Uint8Array | null = null
  for (const reading of readings.length === 0 ? [''] : readings) {
    const hash = await sha256(reading)
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

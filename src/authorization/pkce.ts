import { base64url } from 'jose'
import { encodeUtf8, equalInConstantTime, sha256 } from '../lib/bytes.ts'

/** A `code_challenge` of the method S256: SHA-256 in base64url (RFC 7636 §4.2). */
export const CODE_CHALLENGE = /^[A-Za-z0-9_-]{43}$/

const CODE_VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/

/** The challenge of a verifier with the method S256. */
export async function challengeOf(verifier: string): Promise<string> {
  return base64url.encode(await sha256(verifier))
}

/** Whether a verifier matches a challenge (RFC 7636 §4.6). A request without a challenge must have no verifier. */
export async function isVerified(challenge: string | null, verifier: string | null): Promise<boolean> {
  if (challenge === null || verifier === null) return challenge === null && verifier === null
  if (!CODE_VERIFIER.test(verifier)) return false
  return equalInConstantTime(encodeUtf8(await challengeOf(verifier)), encodeUtf8(challenge))
}

import type { SigningKey } from '../keys/signing_key.ts'
import { signToken } from './sign_token.ts'

/** Keeps the feed from passing for a token. */
export const REVOCATIONS_TYPE = 'revocations+jwt'

export interface RevocationsClaims {
  issuer: string
  /** Unix seconds. */
  issuedAt: number
  /** Grows with every cut-off: a reader keeps the list with the highest. */
  sequence: number
  /** For how long a cut-off is listed. */
  windowSeconds: number
  /** `{ sid | sub | client_id | jti | all, before }`: tokens of that name issued before that second are dead. */
  entries: readonly Record<string, string | number | boolean>[]
}

/** Signs the list of revocations. */
export function issueRevocationsToken(claims: RevocationsClaims, key: SigningKey): Promise<string> {
  const payload = {
    iss: claims.issuer,
    iat: claims.issuedAt,
    sequence: claims.sequence,
    window: claims.windowSeconds,
    revocations: claims.entries,
  }
  return signToken(payload, REVOCATIONS_TYPE, key)
}

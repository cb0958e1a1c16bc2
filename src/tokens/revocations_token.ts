import type { SigningKey } from '../keys/signing_key.ts'
import { signToken } from './sign_token.ts'

/** Keeps the feed from passing for a token. */
export const REVOCATIONS_TYPE = 'revocations+jwt'

/** Keeps a part of the feed from passing for all of it. */
export const REVOCATIONS_DELTA_TYPE = 'revocations-delta+jwt'

export interface RevocationsClaims {
  issuer: string
  /** Unix seconds. */
  issuedAt: number
  /** When the tokens of every entry have expired, in Unix seconds: a reader refuses the list from then on. */
  expiresAt: number
  /** Grows with every cut-off: a reader keeps the list with the highest. */
  sequence: number
  /** The cursor that the entries come after; null where the list is whole. */
  since: string | null
  /** The cursor up to which the list is complete: a reader asks for what comes after it. */
  until: string
  /** The tokens of an entry have expired this long after its `before`. */
  windowSeconds: number
  /** `{ sid | sub | client_id | jti | all, before }`: tokens of that name issued before that second are dead. */
  entries: readonly Record<string, string | number | boolean>[]
}

/** Signs a list of revocations, or what was added to it. */
export function issueRevocationsToken(claims: RevocationsClaims, key: SigningKey): Promise<string> {
  const { since } = claims
  const payload = {
    iss: claims.issuer,
    iat: claims.issuedAt,
    exp: claims.expiresAt,
    sequence: claims.sequence,
    ...(since === null ? {} : { since }),
    until: claims.until,
    window: claims.windowSeconds,
    revocations: claims.entries,
  }
  return signToken(payload, since === null ? REVOCATIONS_TYPE : REVOCATIONS_DELTA_TYPE, key)
}

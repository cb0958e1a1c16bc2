import type { SigningKey } from '../keys/signing_key.ts'
import { compact } from '../lib/compact.ts'
import { signToken } from './sign_token.ts'

/** Keeps the feed from passing for a token. */
export const REVOCATIONS_TYPE = 'revocations+jwt'

/** The `typ` of a list of changes, so that a reader does not take it for the whole list. */
export const REVOCATIONS_DELTA_TYPE = 'revocations-delta+jwt'

export interface RevocationsClaims {
  issuer: string
  /** Unix seconds. */
  issuedAt: number
  /** The `exp`, in Unix seconds: the tokens of every entry have expired by then. */
  expiresAt: number
  /** Grows with every cut-off: a reader keeps the list with the highest. */
  sequence: number
  /** The cursor that the entries come after; null where the list is whole. */
  since: string | null
  /** The cursor up to which the list is complete: a reader asks for the entries after it. */
  until: string
  /** The tokens of an entry have expired this long after its `before`. */
  windowSeconds: number
  /** `{ sid | sub | client_id | jti | all, before }`: tokens of that name issued before that second are revoked. */
  entries: readonly Record<string, string | number | boolean>[]
}

/** Signs a list of revocations, or the entries added to one. */
export function issueRevocationsToken(claims: RevocationsClaims, key: SigningKey): Promise<string> {
  const { since } = claims
  const payload = compact({
    iss: claims.issuer,
    iat: claims.issuedAt,
    exp: claims.expiresAt,
    sequence: claims.sequence,
    since: since ?? undefined,
    until: claims.until,
    window: claims.windowSeconds,
    revocations: claims.entries,
  })
  return signToken(payload, since === null ? REVOCATIONS_TYPE : REVOCATIONS_DELTA_TYPE, key)
}

import type { SigningKey } from '../keys/signing_key.ts'
import { compact } from '../lib/compact.ts'
import { signToken } from './sign_token.ts'

/** The `typ` of the revocation feed. A verifier of tokens refuses it. */
export const REVOCATIONS_TYPE = 'revocations+jwt'

/** The `typ` of a list of changes. A reader must not take it for the whole list. */
export const REVOCATIONS_DELTA_TYPE = 'revocations-delta+jwt'

/** The content of the revocation feed. */
export interface RevocationsClaims {
  issuer: string
  /** Unix seconds. */
  issuedAt: number
  /** The `exp`, in Unix seconds. The tokens of every entry have expired by then. */
  expiresAt: number
  /** Grows with every revocation. A reader keeps the list with the highest sequence. */
  sequence: number
  /** The cursor that the entries come after; null for the whole list. */
  since: string | null
  /** The list is complete up to this cursor. A reader requests the entries after it. */
  until: string
  /** The tokens of an entry have expired this many seconds after its `before`. */
  windowSeconds: number
  /** `{ sid | sub | client_id | jti | all, before }`: it revokes the tokens of that name that were issued before that second. */
  entries: readonly Record<string, string | number | boolean>[]
}

/** Signs the whole list of revocations, or the entries after a cursor. */
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

import type { SigningKey } from '../keys/signing_key.ts'
import { compact } from '../lib/compact.ts'
import { signToken } from './sign_token.ts'

/** The `typ` of the revocation feed. A verifier does not accept it as an access token. */
export const REVOCATIONS_TYPE = 'revocations+jwt'

/** The `typ` of a list of changes. It prevents that a reader accepts the changes as the whole list. */
export const REVOCATIONS_DELTA_TYPE = 'revocations-delta+jwt'

/** The content of the revocation feed. */
export interface RevocationsClaims {
  issuer: string
  /** Unix seconds. */
  issuedAt: number
  /** The `exp`, in Unix seconds. The tokens of every entry have expired by then. */
  expiresAt: number
  /** The sequence grows with every revocation. A reader keeps the list with the highest sequence. */
  sequence: number
  /** The entries were added after this cursor; null for the whole list. */
  since: string | null
  /** The list is complete up to this cursor. A reader requests the entries after it. */
  until: string
  /** The tokens of an entry have expired this many seconds after its `before`. */
  windowSeconds: number
  /** `{ sid | sub | client_id | jti | all, before }`. An entry revokes its tokens that were issued before the second `before`. */
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

import type { TokenClaims } from '../tokens/claims.ts'
import type { SessionIdentity } from './session.ts'

/** The identity of a session by one of its tokens, for a session that may have no row yet. Times are Unix seconds. */
export function identifySession(
  { sid, subject, clientId, issuedAt, expiresAt: tokenExpiresAt }: TokenClaims & { sid: string },
  { api, expiresAt }: { api: string; expiresAt: number },
): SessionIdentity {
  return {
    sid,
    subject,
    clientId,
    api,
    expiresAt,
    startedAt: issuedAt,
    tokenExpiresAt: Math.max(expiresAt, tokenExpiresAt),
  }
}

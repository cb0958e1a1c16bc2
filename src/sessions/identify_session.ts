import type { TokenClaims } from '../tokens/claims.ts'
import type { SessionIdentity } from './session.ts'

/** Derives the identity of a session from one of its tokens. The session may have no row yet. Times are Unix seconds. */
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

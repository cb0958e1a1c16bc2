import type { TokenClaims } from '../tokens/claims.ts'
import type { SessionIdentity } from './session.ts'

/** What a token tells of its session, for a store that may have no row of it yet. Times are Unix seconds. */
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

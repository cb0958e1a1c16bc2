import type { RefreshPolicy } from '../oauth/refresh_policy.ts'
import type { TokenClaims } from '../tokens/claims.ts'
import { issuesOf, type SessionIdentity } from './session.ts'

/**
 * Derives the identity of a session from one of its tokens. The session may have no row yet. Times are Unix seconds.
 *
 * @param session `policy` is that of its refresh tokens; the default is `rotate`.
 */
export function identifySession(
  { sid, subject, clientId, issuedAt, expiresAt: tokenExpiresAt }: TokenClaims & { sid: string },
  { api, expiresAt, policy = 'rotate' }: { api: string; expiresAt: number; policy?: RefreshPolicy },
): SessionIdentity {
  return {
    sid,
    subject,
    clientId,
    api,
    expiresAt,
    startedAt: issuedAt,
    tokenExpiresAt: Math.max(expiresAt, tokenExpiresAt),
    ...issuesOf(policy, expiresAt),
  }
}

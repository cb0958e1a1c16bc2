import { invalidRefreshToken, type OAuthError } from '../oauth/errors.ts'
import type { RefreshTokenClaims } from '../tokens/refresh_token.ts'

/** The refusal of a refresh token that this server issued. The audit trail has its subject and its session. */
export function refuseRefresh(reason: string, { subject, sid }: RefreshTokenClaims): OAuthError {
  return invalidRefreshToken(reason, { subject, sid })
}

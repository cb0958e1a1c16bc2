import { invalidRefreshToken, type OAuthError } from '../oauth/errors.ts'
import type { RefreshTokenClaims } from '../tokens/refresh_token.ts'

/** The refusal of a refresh token of ours, with whose it is for the audit trail. */
export function refuseRefresh(reason: string, { subject, sid }: RefreshTokenClaims): OAuthError {
  return invalidRefreshToken(reason, { subject, sid })
}

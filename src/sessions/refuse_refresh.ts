import { invalidRefreshToken, type OAuthError } from '../oauth/errors.ts'
import type { FailureCause } from '../oauth/failure_cause.ts'
import type { RefreshTokenClaims } from '../tokens/refresh_token.ts'

/** The refusal of a refresh token of this server. The audit event gets the subject and the session of the token. */
export function refuseRefresh(
  cause: FailureCause,
  reason: string,
  { subject, sid, api }: RefreshTokenClaims,
): OAuthError {
  return invalidRefreshToken(reason, { subject, sid, cause, ...(api !== null && { api }) })
}

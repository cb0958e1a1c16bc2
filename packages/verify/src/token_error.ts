/** The code of a refusal. A later version can add codes, but does not change these. */
export type TokenErrorCode =
  /** The request has no bearer token. */
  | 'missing_token'
  /** The token is not a valid access token for this API. */
  | 'invalid_token'
  /** The token lacks a required scope. */
  | 'insufficient_scope'
  /** The API requires a newer sign-in, or one with a second factor. */
  | 'insufficient_user_authentication'
  /** The user of the token must set a new password first. */
  | 'password_change_required'
  /** The keys or the revocations cannot be fetched. */
  | 'temporarily_unavailable'

interface TokenErrorParts {
  code: TokenErrorCode
  status: number
  /** The value of `WWW-Authenticate` (RFC 6750 §3); null for a response without a challenge. */
  challenge: string | null
}

/** A refused request. `message` has the exact reason, for the log of the API and not for the client. */
export class TokenError extends Error {
  override name = 'TokenError'
  readonly code: TokenErrorCode
  readonly status: number
  readonly challenge: string | null

  constructor(parts: TokenErrorParts, reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.code = parts.code
    this.status = parts.status
    this.challenge = parts.challenge
  }

  /** Makes a response with the status, the challenge, and the code as JSON. */
  toResponse(): Response {
    const headers = new Headers({ 'Cache-Control': 'no-store' })
    if (this.challenge !== null) headers.set('WWW-Authenticate', this.challenge)
    return Response.json({ error: this.code }, { status: this.status, headers })
  }
}

/** The challenge has no error code, because the request has no token (RFC 6750 §3.1). A challenge needs a parameter (§3). */
export function missingToken(): TokenError {
  const challenge = 'Bearer realm="sallyport"'
  return new TokenError({ code: 'missing_token', status: 401, challenge }, 'no bearer token')
}

export function invalidToken(reason: string, options?: ErrorOptions): TokenError {
  const challenge = 'Bearer error="invalid_token"'
  return new TokenError({ code: 'invalid_token', status: 401, challenge }, reason, options)
}

/** @param scope The required scope tokens (RFC 6750 §3.1). */
export function insufficientScope(scope: readonly string[]): TokenError {
  const needed = scope.join(' ')
  const challenge = `Bearer error="insufficient_scope", scope="${needed}"`
  return new TokenError({ code: 'insufficient_scope', status: 403, challenge }, `needs the scope ${needed}`)
}

/** The challenge names the demands, which the client sends to the authorization endpoint (RFC 9470 §3, §4). */
export function insufficientAuthentication({
  acrValues,
  maxAgeSeconds,
}: {
  acrValues?: readonly string[] | undefined
  maxAgeSeconds?: number | undefined
}): TokenError {
  const code = 'insufficient_user_authentication'
  const demands = [
    ...(acrValues === undefined ? [] : [`acr_values="${acrValues.join(' ')}"`]),
    ...(maxAgeSeconds === undefined ? [] : [`max_age="${maxAgeSeconds}"`]),
  ]
  const challenge = [`Bearer error="${code}"`, ...demands].join(', ')
  return new TokenError({ code, status: 401, challenge }, `needs a sign-in with ${demands.join(', ')}`)
}

/** The status is 403. After a 401 a client would refresh, and the new token would have the same claim. */
export function passwordChangeRequired(claim: string): TokenError {
  const challenge =
    'Bearer error="insufficient_scope", error_description="The user must set a new password first"'
  return new TokenError(
    { code: 'password_change_required', status: 403, challenge },
    `it has the claim ${claim}, which this API does not accept`,
  )
}

export function temporarilyUnavailable(reason: string, options?: ErrorOptions): TokenError {
  const parts = { code: 'temporarily_unavailable', status: 503, challenge: null } as const
  return new TokenError(parts, reason, options)
}

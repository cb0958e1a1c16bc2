/** What a refusal is, for programs. Stable: new ones may come, these do not change. */
export type TokenErrorCode =
  /** There is no bearer token. */
  | 'missing_token'
  /** It is not a live access token for this API. */
  | 'invalid_token'
  /** It is one, but may do less than is asked here. */
  | 'insufficient_scope'
  /** It is one, but its user must set a new password first. */
  | 'password_change_required'
  /** It cannot be judged now: the keys or the revocations cannot be fetched. */
  | 'temporarily_unavailable'

interface TokenErrorParts {
  code: TokenErrorCode
  status: number
  /** The value of `WWW-Authenticate` (RFC 6750 §3); null where there is nothing to challenge. */
  challenge: string | null
}

/** A request that must be refused. `message` says exactly why: for the API's log, not for the caller. */
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

  /** The refusal as a response: the status, the challenge, and the code as JSON. */
  toResponse(): Response {
    const headers = new Headers({ 'Cache-Control': 'no-store' })
    if (this.challenge !== null) headers.set('WWW-Authenticate', this.challenge)
    return Response.json({ error: this.code }, { status: this.status, headers })
  }
}

/** Without an error code: the request shows no attempt to authenticate (RFC 6750 §3.1). A challenge needs a parameter (§3). */
export function missingToken(): TokenError {
  const challenge = 'Bearer realm="sallyport"'
  return new TokenError({ code: 'missing_token', status: 401, challenge }, 'no bearer token')
}

export function invalidToken(reason: string, options?: ErrorOptions): TokenError {
  const challenge = 'Bearer error="invalid_token"'
  return new TokenError({ code: 'invalid_token', status: 401, challenge }, reason, options)
}

/** @param scope What is needed, as scope tokens (RFC 6750 §3.1). */
export function insufficientScope(scope: readonly string[]): TokenError {
  const needed = scope.join(' ')
  const challenge = `Bearer error="insufficient_scope", scope="${needed}"`
  return new TokenError({ code: 'insufficient_scope', status: 403, challenge }, `needs the scope ${needed}`)
}

/** 403 and not 401: after 401 `invalid_token` a client would refresh, and the new token would have the same claim. */
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

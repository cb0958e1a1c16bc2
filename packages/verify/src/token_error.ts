/** The code of a refusal. A later version can add codes, but does not change these. */
export type TokenErrorCode =
  /** The request has no access token. */
  | 'missing_token'
  /** The token is not a valid access token for this API. */
  | 'invalid_token'
  /** The token is bound to a key, and the request has no valid proof of the key (RFC 9449 §7.1). */
  | 'invalid_dpop_proof'
  /** The proof needs the nonce of the header `DPoP-Nonce` (RFC 9449 §9). */
  | 'use_dpop_nonce'
  /** The token lacks a required scope. */
  | 'insufficient_scope'
  /** The API requires a newer sign-in, or one with a second factor. */
  | 'insufficient_user_authentication'
  /** The user of the token must set a new password first. */
  | 'password_change_required'
  /** The keys, the revocations or the state of the token cannot be fetched. */
  | 'temporarily_unavailable'

/** Makes the JSON value of the body of a refusal. */
export type MakeBody = (error: TokenError) => unknown

interface TokenErrorParts {
  code: TokenErrorCode
  status: number
  /** The value of `WWW-Authenticate` (RFC 6750 §3); null for a response without a challenge. */
  challenge: string | null
  /** The scope tokens that the operation requires. Default: none. */
  scope?: readonly string[]
  /** The nonce for the next proof. Default: null. */
  nonce?: string | null
  /** Default: an object with the code as `error`. */
  makeBody?: MakeBody
}

/** A refused request. `message` has the exact reason, for the log of the API and not for the client. */
export class TokenError extends Error {
  override name = 'TokenError'
  readonly code: TokenErrorCode
  readonly status: number
  readonly challenge: string | null
  /** All scope tokens that the operation requires. */
  readonly scope: readonly string[]
  /** The value of the header `DPoP-Nonce`; null for a response without it. */
  readonly nonce: string | null
  readonly #makeBody: MakeBody

  constructor(parts: TokenErrorParts, reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.code = parts.code
    this.status = parts.status
    this.challenge = parts.challenge
    this.scope = parts.scope ?? []
    this.nonce = parts.nonce ?? null
    this.#makeBody = parts.makeBody ?? codeOnly
  }

  /** The JSON value of the body: `{ error: code }`, or the result of the option `body`. */
  get body(): unknown {
    return this.#makeBody(this)
  }

  /** Makes a response with the status, the challenge, the nonce and the body. */
  toResponse(): Response {
    const headers = new Headers({ 'Cache-Control': 'no-store' })
    if (this.challenge !== null) headers.set('WWW-Authenticate', this.challenge)
    if (this.nonce !== null) headers.set('DPoP-Nonce', this.nonce)
    return Response.json(this.body, { status: this.status, headers })
  }
}

function codeOnly({ code }: TokenError): unknown {
  return { error: code }
}

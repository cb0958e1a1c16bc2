import type { ReturnAddress } from './authorization_request.ts'

/** The codes of RFC 6749 §4.1.2.1, RFC 8707 §2 and OpenID Connect Core §3.1.2.6 and §6 that this server sends. */
export type AuthorizationErrorCode =
  | 'invalid_request'
  | 'unauthorized_client'
  | 'access_denied'
  | 'unsupported_response_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'login_required'
  | 'consent_required'
  | 'interaction_required'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  | 'registration_not_supported'
  | 'invalid_request_uri'
  | 'unmet_authentication_requirements'

/** The error of an authorization request, for the client. */
export interface AuthorizationFailure {
  error: AuthorizationErrorCode
  /** A constant text for developers, in the characters of RFC 6749 §4.1.2.1. */
  description: string
}

/** An authorization request is refused after its client and its redirect URI were proven. The client gets the error. */
export class AuthorizationError extends Error {
  override name = 'AuthorizationError'
  readonly failure: AuthorizationFailure
  readonly returnAddress: ReturnAddress

  constructor(failure: AuthorizationFailure, returnAddress: ReturnAddress) {
    super(failure.description)
    this.failure = failure
    this.returnAddress = returnAddress
  }
}

/** The reasons why a request gets no redirect: the browser shows a page in place of the client (RFC 6749 §4.1.2.1). */
export type UnprovenReason = 'client' | 'redirect_uri' | 'malformed' | 'request_uri'

/** An authorization request is refused before its client and its redirect URI were proven. */
export class UnprovenRequest extends Error {
  override name = 'UnprovenRequest'
  readonly reason: UnprovenReason

  /** @param detail The exact cause, for the log. */
  constructor(reason: UnprovenReason, detail: string) {
    super(detail)
    this.reason = reason
  }
}

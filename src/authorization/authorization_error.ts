import { type AuthorizationFailure, describeAuthorizationFailure } from '../oauth/authorization_failure.ts'
import type { ReturnAddress } from './authorization_request.ts'

/** An authorization request is refused after its client and its redirect URI were proven. The client gets the error. */
export class AuthorizationError extends Error {
  override name = 'AuthorizationError'
  readonly failure: AuthorizationFailure
  readonly returnAddress: ReturnAddress

  constructor(failure: AuthorizationFailure, returnAddress: ReturnAddress) {
    super(describeAuthorizationFailure(failure).description)
    this.failure = failure
    this.returnAddress = returnAddress
  }
}

/**
 * An authorization request is refused before its client and its redirect URI were proven. The browser gets a page, because the
 * redirect URI may belong to an attacker (RFC 6749 §4.1.2.1, RFC 9700 §4.11.2).
 */
export class UnprovenRequest extends Error {
  override name = 'UnprovenRequest'
}

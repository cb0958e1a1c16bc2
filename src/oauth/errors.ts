import { type AuthorizationFailure, describeAuthorizationFailure } from './authorization_failure.ts'
import type { FailureCause } from './failure_cause.ts'

/** The errors of a whole request, with the public text. */
export const MALFORMATIONS = {
  parameters_in_address: 'Parameters must be in the body, not in the address.',
  content_type: 'The request body must be plain application/json or application/x-www-form-urlencoded.',
  not_utf8: 'The request body is not valid UTF-8.',
  not_json: 'The request body is not valid JSON.',
  not_an_object: 'The request body must be a JSON object.',
  not_a_form: 'The request body is not a valid form.',
  repeated_parameter: 'A parameter is repeated.',
  two_authentications: 'The client must authenticate in one way only.',
  not_json_type: 'The request body must be plain application/json.',
  logout: 'A parameter of the logout request is wrong.',
  several_proofs: 'Send one proof of the user at a time.',
} as const

/** The errors of a password that a user chooses, with the public text. */
export const REFUSED_PASSWORDS = {
  length: 'The password is too short or too long.',
  common: 'The password is too common.',
  breached: 'The password is known from a data breach.',
  same: 'The password is the current one.',
} as const

export type RefusedPasswordRule = keyof typeof REFUSED_PASSWORDS

export type Malformation = keyof typeof MALFORMATIONS

/**
 * Every kind of refusal. The kind and its public parameters decide the response (`error_dialect.ts`). Only the log and the audit
 * trail have the exact cause, `OAuthError.reason`.
 */
export type Refusal =
  | { kind: 'malformed_request'; malformation: Malformation }
  | { kind: 'missing_parameter'; parameter: string }
  | { kind: 'not_a_string'; parameter: string }
  | { kind: 'invalid_target' }
  | { kind: 'misdirected_request' }
  | { kind: 'body_too_large' }
  | { kind: 'method_not_allowed'; allow: string }
  | { kind: 'not_found' }
  | { kind: 'unsupported_grant_type' }
  | { kind: 'invalid_client' }
  | { kind: 'unauthorized_client' }
  | { kind: 'wrong_credentials' }
  | { kind: 'challenge_required' }
  /** `authSession` continues the sign-in; null if the client cannot continue it. */
  | { kind: 'insufficient_authorization'; authSession: string | null }
  | { kind: 'more_needed' }
  | { kind: 'invalid_session' }
  | { kind: 'redirect_to_web' }
  | { kind: 'refused_password'; rule: RefusedPasswordRule }
  | { kind: 'invalid_refresh_token' }
  | { kind: 'foreign_token' }
  | { kind: 'invalid_code' }
  | { kind: 'unproven_request' }
  | { kind: 'invalid_authorization_request'; failure: AuthorizationFailure }
  | { kind: 'wrong_redirect_uri' }
  | { kind: 'invalid_scope' }
  | { kind: 'missing_access_token' }
  | { kind: 'invalid_access_token' }
  | { kind: 'invalid_dpop_proof' }
  /** `nonce` is for the next proof. */
  | { kind: 'use_dpop_nonce'; nonce: string }
  | { kind: 'insufficient_scope'; scope: string }
  /** A null member is not required. */
  | { kind: 'insufficient_user_authentication'; acrValues: string | null; maxAgeSeconds: number | null }
  | { kind: 'not_allowed' }
  | { kind: 'unknown_item' }
  | { kind: 'refused_value'; parameter: string }
  | { kind: 'temporarily_unavailable'; retryAfterSeconds: number }
  | { kind: 'too_many_attempts'; retryAfterSeconds: number }
  | { kind: 'server_error' }

/** The error that refuses a request. Use the functions below to create it. */
export class OAuthError extends Error {
  override name = 'OAuthError'
  readonly refusal: Refusal
  /** The exact cause for the log and the audit trail. It has no password, secret or token. */
  readonly reason: string
  /** The values for the audit trail and the statistics, if they are known. */
  readonly about: RefusalDetails

  constructor(refusal: Refusal, reason: string, about: RefusalDetails = {}) {
    super(reason)
    this.refusal = refusal
    this.reason = reason
    this.about = about
  }
}

/** The user and the session that a refusal is about, and its cause for the statistics. */
export interface RefusalDetails {
  subject?: string
  sid?: string
  /** The API of a refused code or token; absent if it is that of the request. */
  api?: string
  cause?: FailureCause
}

/** The request cannot be read (RFC 6749 §5.2). */
export function malformedRequest(malformation: Malformation): OAuthError {
  return new OAuthError({ kind: 'malformed_request', malformation }, MALFORMATIONS[malformation])
}

/** @param parameter The name of a parameter that the server reads. It must not be text from the request. */
export function missingParameter(parameter: string): OAuthError {
  return new OAuthError({ kind: 'missing_parameter', parameter }, `no ${parameter}`)
}

/** @param parameter The name of a parameter that the server reads. It must not be text from the request. */
export function notAString(parameter: string): OAuthError {
  return new OAuthError({ kind: 'not_a_string', parameter }, `${parameter} is not a string`)
}

/** @param parameter The name of a parameter that the server reads. It must not be text from the request. */
export function refusedValue(parameter: string): OAuthError {
  return new OAuthError({ kind: 'refused_value', parameter }, `the value of ${parameter} is refused`)
}

/** The `resource` of a request is not one API of the client, or not the granted API (RFC 8707 §2). */
export function invalidTarget(): OAuthError {
  return new OAuthError({ kind: 'invalid_target' }, 'the request names another resource')
}

/** The request used plain http, or a host other than the host of the issuer (RFC 9110 §15.5.20). */
export function misdirectedRequest(): OAuthError {
  return new OAuthError({ kind: 'misdirected_request' }, 'the request URL does not belong to the issuer')
}

export function bodyTooLarge(): OAuthError {
  return new OAuthError({ kind: 'body_too_large' }, 'the body is over the limit')
}

/** @param allow The allowed methods, in the format of the Allow header (RFC 9110 §10.2.1). */
export function methodNotAllowed(allow: string): OAuthError {
  return new OAuthError({ kind: 'method_not_allowed', allow }, `the path allows only ${allow}`)
}

export function notFound(): OAuthError {
  return new OAuthError({ kind: 'not_found' }, 'unknown path')
}

export function unsupportedGrantType(): OAuthError {
  return new OAuthError({ kind: 'unsupported_grant_type' }, 'unknown grant type')
}

export function invalidClient(reason: string): OAuthError {
  return new OAuthError({ kind: 'invalid_client' }, reason)
}

export function unauthorizedClient(reason: string): OAuthError {
  return new OAuthError({ kind: 'unauthorized_client' }, reason)
}

/** A sign-in failed. The response is the same for every reason, so it does not reveal whether an account exists. */
export function wrongCredentials(reason: string, about?: RefusalDetails): OAuthError {
  return new OAuthError({ kind: 'wrong_credentials' }, reason, about)
}

/** A sign-in needs a solved challenge. The response is the same for every password, so it reveals nothing about an account. */
export function challengeRequired(reason: string): OAuthError {
  return new OAuthError({ kind: 'challenge_required' }, reason)
}

/**
 * The password is right, and the user must prove a second factor (First-Party Applications draft §4.2). Only first-party clients get
 * this response, because it confirms the password.
 */
export function insufficientAuthorization(authSession: string | null, about: RefusalDetails): OAuthError {
  const reason = 'the user needs a second factor'
  return new OAuthError({ kind: 'insufficient_authorization', authSession }, reason, about)
}

/** The password of a new account is refused. @param rule The rule that it breaks */
export function refusedPassword(rule: RefusedPasswordRule): OAuthError {
  return new OAuthError({ kind: 'refused_password', rule }, `the password breaks the rule ${rule}`)
}

/** The `auth_session` of a sign-in in steps cannot be used (First-Party Applications draft §5.2.2.1). */
export function invalidSession(reason: string, about?: RefusalDetails): OAuthError {
  return new OAuthError({ kind: 'invalid_session' }, reason, about)
}

export function invalidRefreshToken(reason: string, about?: RefusalDetails): OAuthError {
  return new OAuthError({ kind: 'invalid_refresh_token' }, reason, about)
}

/** An authorization code is unknown, expired or used, or the token request does not match its authorization request (RFC 6749 §5.2). */
export function invalidCode(reason: string, about?: RefusalDetails): OAuthError {
  return new OAuthError({ kind: 'invalid_code' }, reason, about)
}

/** The client or the redirect URI of an authorization request is not known, so there is no redirect (RFC 6749 §4.1.2.1). */
export function unprovenRequest(reason: string): OAuthError {
  return new OAuthError({ kind: 'unproven_request' }, reason)
}

/** A pushed authorization request is refused (RFC 9126 §2.3). */
export function invalidAuthorizationRequest(failure: AuthorizationFailure): OAuthError {
  const { description } = describeAuthorizationFailure(failure)
  return new OAuthError({ kind: 'invalid_authorization_request', failure }, description)
}

/** The `redirect_uri` of the token request is not the one of the authorization request (RFC 6749 §4.1.3). */
export function wrongRedirectUri(about?: RefusalDetails): OAuthError {
  return new OAuthError(
    { kind: 'wrong_redirect_uri' },
    'the redirect URI differs from that of the authorization request',
    about,
  )
}

/** A token that was issued to another client (RFC 6749 §5.2, RFC 7009 §2.1). */
export function foreignToken(reason: string): OAuthError {
  return new OAuthError({ kind: 'foreign_token' }, reason)
}

export function invalidScope(reason: string): OAuthError {
  return new OAuthError({ kind: 'invalid_scope' }, reason)
}

/** The request has no access token (RFC 6750 §3.1). */
export function missingAccessToken(): OAuthError {
  return new OAuthError({ kind: 'missing_access_token' }, 'no access token')
}

/** The access token is malformed, expired or revoked (RFC 6750 §3.1). */
export function invalidAccessToken(reason: string, about?: RefusalDetails): OAuthError {
  return new OAuthError({ kind: 'invalid_access_token' }, reason, about)
}

/** The DPoP proof is missing or invalid (RFC 9449 §5, §7.1). */
export function invalidDpopProof(reason: string): OAuthError {
  return new OAuthError({ kind: 'invalid_dpop_proof' }, reason)
}

/** The DPoP proof needs a nonce of this server (RFC 9449 §8). @param nonce The nonce for the next proof */
export function useDpopNonce(nonce: string): OAuthError {
  return new OAuthError({ kind: 'use_dpop_nonce', nonce }, 'the proof has no current nonce')
}

/** @param scope The scope that the request needs (RFC 6750 §3.1). */
export function insufficientScope(scope: string): OAuthError {
  return new OAuthError({ kind: 'insufficient_scope', scope }, `the token has no scope ${scope}`)
}

/** The request needs another authentication of the user (RFC 9470 §3). */
export function insufficientUserAuthentication(needed: {
  /** The required level; null without one. */
  acrValues: string | null
  /** The maximum age of the authentication; null without one. */
  maxAgeSeconds: number | null
}): OAuthError {
  const reason = 'the authentication is too old, or needs a second factor'
  return new OAuthError({ kind: 'insufficient_user_authentication', ...needed }, reason)
}

/** The client or the user may not make the request. */
export function notAllowed(reason: string): OAuthError {
  return new OAuthError({ kind: 'not_allowed' }, reason)
}

/** The account of the caller does not have the item in the path. */
export function unknownItem(): OAuthError {
  return new OAuthError({ kind: 'unknown_item' }, 'the account has no such item')
}

/** A store or a queue is not available. Clients must keep their tokens and retry. */
export function temporarilyUnavailable(reason: string, retryAfterSeconds = 2): OAuthError {
  return new OAuthError({ kind: 'temporarily_unavailable', retryAfterSeconds }, reason)
}

/** The caller failed too often and must wait (RFC 6585 §4). Not for a locked account, because it would reveal the account. */
export function tooManyAttempts(
  reason: string,
  retryAfterSeconds: number,
  about?: RefusalDetails,
): OAuthError {
  return new OAuthError({ kind: 'too_many_attempts', retryAfterSeconds }, reason, about)
}

export function serverError(reason: string): OAuthError {
  return new OAuthError({ kind: 'server_error' }, reason)
}

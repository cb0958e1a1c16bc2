/**
 * Every error of an authorization request that the client receives, with its constant public text (RFC 6749 §4.1.2.1, RFC 8707 §2,
 * RFC 9126 §2.3, RFC 9101 §7, OpenID Connect Core §3.1.2.6).
 */
export const AUTHORIZATION_FAILURES = {
  request: ['request_not_supported', 'The parameter request is not supported.'],
  request_uri: ['request_uri_not_supported', 'Only a request_uri of this server is supported.'],
  expired_request_uri: ['invalid_request_uri', 'The request_uri has expired. Start again.'],
  registration: ['registration_not_supported', 'The parameter registration is not supported.'],
  unknown_redirect_uri: ['invalid_request', 'The redirect_uri is missing or not registered.'],
  long_parameter: ['invalid_request', 'A parameter is too long.'],
  control_character: ['invalid_request', 'A parameter has a control character.'],
  long_code: ['invalid_request', 'The nonce and the scope make the code too long.'],
  response_mode: ['invalid_request', 'The response_mode is not supported.'],
  form_post_to_app: ['invalid_request', 'The response_mode form_post needs an http or https redirect_uri.'],
  no_response_type: ['invalid_request', 'The parameter response_type is missing.'],
  response_type: ['unsupported_response_type', 'The only supported response_type is code.'],
  no_code_grant: ['unauthorized_client', 'The client is not allowed to use the authorization code grant.'],
  resource: ['invalid_target', 'The resource is not available to this request.'],
  scope: ['invalid_scope', 'The requested scope is unknown or more than the client may have.'],
  no_code_challenge: ['invalid_request', 'The client needs PKCE: send code_challenge with the method S256.'],
  code_challenge_method: ['invalid_request', 'The only supported code_challenge_method is S256.'],
  code_challenge: ['invalid_request', 'The code_challenge is malformed.'],
  prompt: ['invalid_request', 'The prompt is not supported.'],
  prompt_none: ['invalid_request', 'The prompt none cannot be combined with other values.'],
  prompt_create: ['invalid_request', 'The prompt create cannot be combined with other values.'],
  max_age: ['invalid_request', 'The max_age must be a number of seconds.'],
  dpop_jkt: ['invalid_request', 'The dpop_jkt is malformed.'],
  id_token_hint: ['invalid_request', 'The id_token_hint is not an ID token of the client.'],
  acr_values: ['unmet_authentication_requirements', 'The server supports none of the acr_values.'],
  login_required: ['login_required', 'The user must sign in.'],
  consent_required: ['consent_required', 'The user must allow the access.'],
  interaction_required: ['interaction_required', 'The user must see a page.'],
  access_denied: ['access_denied', 'The user did not allow the access.'],
  no_guests: ['unauthorized_client', 'Guests need a first-party client of an API with guests.'],
  guest_scope: ['invalid_scope', 'A guest cannot have the requested scope.'],
  too_many_requests: ['temporarily_unavailable', 'There were too many requests. Try again in a minute.'],
} as const satisfies Record<string, readonly [code: string, description: string]>

/** The name of an error in the table. */
export type AuthorizationFailure = keyof typeof AUTHORIZATION_FAILURES

/** The error as the client receives it. */
export function describeAuthorizationFailure(failure: AuthorizationFailure): {
  error: string
  description: string
} {
  const [error, description] = AUTHORIZATION_FAILURES[failure]
  return { error, description }
}

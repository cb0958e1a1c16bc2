import { describe, expect, it } from 'vitest'
import { describeRefusal, type ErrorDialect, formatError } from '../../src/oauth/error_dialect.ts'
import * as errors from '../../src/oauth/errors.ts'

type Kind = errors.Refusal['kind']
/** A status and the JSON members in their order. */
type Handler = [status: number, body: Record<string, string>]

/** The bytes of the response body. */
function answer({ refusal }: errors.OAuthError, dialect: ErrorDialect): string {
  const wire = describeRefusal(refusal, dialect)
  return written([wire.status, formatError(wire, dialect)])
}

function written([status, body]: Handler): string {
  return `${status} ${JSON.stringify(body)}`
}

function rfc(status: number, error: string, error_description: string): Handler {
  return [status, { error, error_description }]
}

function oro(status: number, error: string, error_description: string, hint?: string): Handler {
  const body = { error, error_description, message: error_description }
  return [status, hint === undefined ? body : { ...body, hint }]
}

const MISDIRECTED = 'Send the request to the URL of the issuer, by https.'
const BROKEN = 'The request body is not valid JSON.'
const TOO_LARGE = 'The request body is larger than 16 KiB.'
const UNSUPPORTED = 'The authorization grant type is not supported by the authorization server.'
const CHECK_ALL = 'Check that all required parameters have been provided'
const WRONG = 'The user credentials were incorrect.'
const SCOPE = 'The requested scope is unknown or more than the client may have.'
const AWAY = 'The service is not available now. Try again shortly.'
const CHALLENGE = 'Solve a challenge and send its response as challenge_response.'
const TOO_MANY = 'There were too many attempts. Try again later.'
const AGAIN = 'The user must authenticate again.'
const FAILED = 'The server met an unexpected condition.'

/** Each kind of refusal with its response in both dialects. */
const ANSWERS: Record<Kind, { error: errors.OAuthError; rfc6749: Handler; oro: Handler }> = {
  malformed_request: {
    error: errors.malformedRequest('not_json'),
    rfc6749: rfc(400, 'invalid_request', BROKEN),
    oro: oro(400, 'invalid_request', BROKEN),
  },
  missing_parameter: {
    error: errors.missingParameter('username'),
    rfc6749: rfc(400, 'invalid_request', 'The parameter username is missing.'),
    oro: oro(400, 'invalid_request', 'The parameter username is missing.', 'Check the `username` parameter'),
  },
  not_a_string: {
    error: errors.notAString('username'),
    rfc6749: rfc(400, 'invalid_request', 'The parameter username must be a string.'),
    oro: oro(
      400,
      'invalid_request',
      'The parameter username must be a string.',
      'Check the `username` parameter',
    ),
  },
  invalid_target: {
    error: errors.invalidTarget(),
    rfc6749: rfc(400, 'invalid_target', 'The resource is not available to this request.'),
    oro: oro(400, 'invalid_target', 'The resource is not available to this request.'),
  },
  misdirected_request: {
    error: errors.misdirectedRequest(),
    rfc6749: rfc(421, 'invalid_request', MISDIRECTED),
    oro: oro(421, 'invalid_request', MISDIRECTED),
  },
  body_too_large: {
    error: errors.bodyTooLarge(),
    rfc6749: rfc(413, 'invalid_request', TOO_LARGE),
    oro: oro(413, 'invalid_request', TOO_LARGE),
  },
  method_not_allowed: {
    error: errors.methodNotAllowed('POST, OPTIONS'),
    rfc6749: rfc(405, 'invalid_request', 'This endpoint takes POST, OPTIONS.'),
    oro: oro(405, 'invalid_request', 'This endpoint takes POST, OPTIONS.'),
  },
  not_found: {
    error: errors.notFound(),
    rfc6749: rfc(404, 'invalid_request', 'There is no such endpoint.'),
    oro: oro(404, 'invalid_request', 'There is no such endpoint.'),
  },
  unsupported_grant_type: {
    error: errors.unsupportedGrantType(),
    rfc6749: rfc(400, 'unsupported_grant_type', 'The grant type is not supported.'),
    oro: oro(400, 'unsupported_grant_type', UNSUPPORTED, CHECK_ALL),
  },
  invalid_client: {
    error: errors.invalidClient('unknown client'),
    rfc6749: rfc(401, 'invalid_client', 'Client authentication failed.'),
    oro: oro(401, 'invalid_client', 'Client authentication failed'),
  },
  unauthorized_client: {
    error: errors.unauthorizedClient('not a grant of this client'),
    rfc6749: rfc(400, 'unauthorized_client', 'The client is not allowed to use this grant type.'),
    oro: oro(401, 'invalid_client', 'Client authentication failed'),
  },
  wrong_credentials: {
    error: errors.wrongCredentials('wrong password'),
    rfc6749: rfc(400, 'invalid_grant', WRONG),
    oro: oro(400, 'invalid_grant', WRONG),
  },
  insufficient_authorization: {
    error: errors.insufficientAuthorization(null, { subject: 'user:ann' }),
    rfc6749: rfc(403, 'insufficient_authorization', 'The user must sign in with a second factor.'),
    oro: oro(403, 'insufficient_authorization', 'The user must sign in with a second factor.'),
  },
  more_needed: {
    error: new errors.OAuthError({ kind: 'more_needed' }, 'the next step'),
    rfc6749: rfc(400, 'insufficient_authorization', 'Send one of the inputs in next.'),
    oro: oro(400, 'insufficient_authorization', 'Send one of the inputs in next.'),
  },
  invalid_session: {
    error: errors.invalidSession('it was used before'),
    rfc6749: rfc(400, 'invalid_session', 'The auth_session is invalid. Start again.'),
    oro: oro(400, 'invalid_session', 'The auth_session is invalid. Start again.'),
  },
  refused_password: {
    error: errors.refusedPassword('common'),
    rfc6749: rfc(400, 'refused_password', 'The password is too common.'),
    oro: oro(400, 'refused_password', 'The password is too common.'),
  },
  redirect_to_web: {
    error: new errors.OAuthError({ kind: 'redirect_to_web' }, 'a page is necessary'),
    rfc6749: rfc(400, 'redirect_to_web', 'The user must continue in a browser.'),
    oro: oro(400, 'redirect_to_web', 'The user must continue in a browser.'),
  },
  invalid_refresh_token: {
    error: errors.invalidRefreshToken('expired'),
    rfc6749: rfc(400, 'invalid_grant', 'The refresh token is invalid.'),
    oro: oro(401, 'invalid_request', 'The refresh token is invalid.'),
  },
  unproven_request: {
    error: errors.unprovenRequest('unknown client'),
    rfc6749: rfc(400, 'invalid_request', 'The client or the redirect_uri is not known.'),
    oro: oro(401, 'invalid_client', 'Client authentication failed'),
  },
  invalid_authorization_request: {
    error: errors.invalidAuthorizationRequest('code_challenge_method'),
    rfc6749: rfc(400, 'invalid_request', 'The only supported code_challenge_method is S256.'),
    oro: oro(400, 'invalid_request', 'The only supported code_challenge_method is S256.'),
  },
  invalid_code: {
    error: errors.invalidCode('used before'),
    rfc6749: rfc(400, 'invalid_grant', 'The authorization code is invalid.'),
    oro: oro(
      400,
      'invalid_grant',
      'The authorization code is invalid.',
      'Authorization code has been revoked',
    ),
  },
  wrong_redirect_uri: {
    error: errors.wrongRedirectUri(),
    rfc6749: rfc(400, 'invalid_grant', 'The authorization code is invalid.'),
    oro: oro(401, 'invalid_client', 'Client authentication failed'),
  },
  foreign_token: {
    error: errors.foreignToken('of another client'),
    rfc6749: rfc(400, 'invalid_grant', 'The token was issued to another client.'),
    oro: oro(400, 'invalid_grant', 'The token was issued to another client.'),
  },
  invalid_scope: {
    error: errors.invalidScope('one too many'),
    rfc6749: rfc(400, 'invalid_scope', SCOPE),
    oro: oro(400, 'invalid_scope', SCOPE, 'Check the `scope` parameter'),
  },
  missing_access_token: {
    error: errors.missingAccessToken(),
    rfc6749: rfc(401, 'invalid_token', 'Send an access token.'),
    oro: oro(401, 'invalid_token', 'Send an access token.'),
  },
  invalid_access_token: {
    error: errors.invalidAccessToken('it has expired'),
    rfc6749: rfc(401, 'invalid_token', 'The access token is invalid.'),
    oro: oro(401, 'invalid_token', 'The access token is invalid.'),
  },
  invalid_dpop_proof: {
    error: errors.invalidDpopProof('used before'),
    rfc6749: rfc(400, 'invalid_dpop_proof', 'The DPoP proof is missing or invalid.'),
    oro: oro(400, 'invalid_dpop_proof', 'The DPoP proof is missing or invalid.'),
  },
  use_dpop_nonce: {
    error: errors.useDpopNonce('1.mac'),
    rfc6749: rfc(400, 'use_dpop_nonce', 'Send a DPoP proof with the nonce of this response.'),
    oro: oro(400, 'use_dpop_nonce', 'Send a DPoP proof with the nonce of this response.'),
  },
  insufficient_scope: {
    error: errors.insufficientScope('openid'),
    rfc6749: rfc(403, 'insufficient_scope', 'The access token needs the scope openid.'),
    oro: oro(403, 'insufficient_scope', 'The access token needs the scope openid.'),
  },
  insufficient_user_authentication: {
    error: errors.insufficientUserAuthentication({ acrValues: null, maxAgeSeconds: 600 }),
    rfc6749: rfc(401, 'insufficient_user_authentication', AGAIN),
    oro: oro(401, 'insufficient_user_authentication', AGAIN),
  },
  not_allowed: {
    error: errors.notAllowed('the last admin'),
    rfc6749: rfc(403, 'access_denied', 'The request is not allowed.'),
    oro: oro(403, 'access_denied', 'The request is not allowed.'),
  },
  unknown_item: {
    error: errors.unknownItem(),
    rfc6749: rfc(404, 'invalid_request', 'The account has no such item.'),
    oro: oro(404, 'invalid_request', 'The account has no such item.'),
  },
  refused_value: {
    error: errors.refusedValue('email'),
    rfc6749: rfc(400, 'invalid_request', 'The parameter email is not valid.'),
    oro: oro(400, 'invalid_request', 'The parameter email is not valid.', 'Check the `email` parameter'),
  },
  temporarily_unavailable: {
    error: errors.temporarilyUnavailable('D1 is away'),
    rfc6749: rfc(503, 'temporarily_unavailable', AWAY),
    oro: oro(503, 'temporarily_unavailable', AWAY),
  },
  challenge_required: {
    error: errors.challengeRequired('no response'),
    rfc6749: rfc(400, 'challenge_required', CHALLENGE),
    oro: oro(400, 'challenge_required', CHALLENGE),
  },
  too_many_attempts: {
    error: errors.tooManyAttempts('address locked', 60),
    rfc6749: rfc(429, 'temporarily_unavailable', TOO_MANY),
    oro: oro(429, 'temporarily_unavailable', TOO_MANY),
  },
  server_error: {
    error: errors.serverError('TypeError: …'),
    rfc6749: rfc(500, 'server_error', FAILED),
    oro: oro(500, 'server_error', FAILED),
  },
}

describe.each(Object.entries(ANSWERS))('%s', (kind, { error, ...answers }) => {
  it('the constructor function makes the refusal', () => {
    expect(error.refusal.kind).toBe(kind)
  })

  it.each(['rfc6749', 'oro'] as const)('the refusal has its response with errors: %s', (dialect) => {
    expect(answer(error, dialect)).toBe(written(answers[dialect]))
  })
})

describe('a missing grant_type', () => {
  it('a missing grant_type is a missing parameter with errors: rfc6749, and an unknown grant with errors: oro', () => {
    const missing = errors.missingParameter('grant_type')
    expect(answer(missing, 'rfc6749')).toBe(
      written(rfc(400, 'invalid_request', 'The parameter grant_type is missing.')),
    )
    expect(answer(missing, 'oro')).toBe(answer(errors.unsupportedGrantType(), 'oro'))
  })
})

describe('the reason of a refusal', () => {
  it.each([
    ['invalid_client', errors.invalidClient],
    ['unauthorized_client', errors.unauthorizedClient],
    ['wrong_credentials', errors.wrongCredentials],
    ['invalid_refresh_token', errors.invalidRefreshToken],
    ['foreign_token', errors.foreignToken],
    ['invalid_scope', errors.invalidScope],
    ['temporarily_unavailable', errors.temporarilyUnavailable],
    ['server_error', errors.serverError],
  ])('the reason of a refusal is kept for the log, and changes no response: %s', (_kind, refuse) => {
    const [first, second] = [refuse('one reason'), refuse('another reason')]
    expect([first.reason, first.message]).toEqual(['one reason', 'one reason'])
    for (const dialect of ['rfc6749', 'oro'] as const) {
      expect(answer(first, dialect)).toBe(answer(second, dialect))
    }
  })
})

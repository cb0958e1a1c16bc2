import { compact } from '../lib/compact.ts'
import { describeAuthorizationFailure } from './authorization_failure.ts'
import { MALFORMATIONS, REFUSED_PASSWORDS, type Refusal } from './errors.ts'

/** The format of errors: RFC 6749 §5.2 or OroCommerce. */
export const ERROR_DIALECTS = ['rfc6749', 'oro'] as const
export type ErrorDialect = (typeof ERROR_DIALECTS)[number]

/** One refusal as the caller sees it. */
export interface WireError {
  status: number
  error: string
  /** A constant text in the characters of RFC 6749 §5.2: printable ASCII without `"` and `\`. */
  description: string
  /** Only in the `oro` dialect. */
  hint?: string
  /** The sealed state of a sign-in that can continue. */
  authSession?: string
}

type Table = { [K in Refusal['kind']]: (refusal: Extract<Refusal, { kind: K }>) => WireError }

const rfc6749: Table = {
  malformed_request: ({ malformation }) => wire(400, 'invalid_request', MALFORMATIONS[malformation]),
  missing_parameter: ({ parameter }) => ({
    ...wire(400, 'invalid_request', `The parameter ${parameter} is missing.`),
    hint: `Check the \`${parameter}\` parameter`,
  }),
  not_a_string: ({ parameter }) => ({
    ...wire(400, 'invalid_request', `The parameter ${parameter} must be a string.`),
    hint: `Check the \`${parameter}\` parameter`,
  }),
  invalid_target: () => wire(400, 'invalid_target', 'The resource is not available to this request.'),
  misdirected_request: () =>
    wire(421, 'invalid_request', 'Send the request to the URL of the issuer, by https.'),
  body_too_large: () => wire(413, 'invalid_request', 'The request body is larger than 16 KiB.'),
  method_not_allowed: ({ allow }) => wire(405, 'invalid_request', `This endpoint takes ${allow}.`),
  not_found: () => wire(404, 'invalid_request', 'There is no such endpoint.'),
  unsupported_grant_type: () => wire(400, 'unsupported_grant_type', 'The grant type is not supported.'),
  invalid_client: () => wire(401, 'invalid_client', 'Client authentication failed.'),
  unauthorized_client: () =>
    wire(400, 'unauthorized_client', 'The client is not allowed to use this grant type.'),
  wrong_credentials: () => wire(400, 'invalid_grant', 'The user credentials were incorrect.'),
  challenge_required: () =>
    wire(400, 'challenge_required', 'Solve a challenge and send its response as challenge_response.'),
  insufficient_authorization: ({ authSession }) => ({
    ...wire(403, 'insufficient_authorization', 'The user must sign in with a second factor.'),
    ...(authSession !== null && { authSession }),
  }),
  more_needed: () => wire(400, 'insufficient_authorization', 'Send one of the inputs in next.'),
  invalid_session: () => wire(400, 'invalid_session', 'The auth_session is invalid. Start again.'),
  refused_password: ({ rule }) => wire(400, 'refused_password', REFUSED_PASSWORDS[rule]),
  redirect_to_web: () => wire(400, 'redirect_to_web', 'The user must continue in a browser.'),
  invalid_refresh_token: () => wire(400, 'invalid_grant', 'The refresh token is invalid.'),
  invalid_code: () => ({
    ...wire(400, 'invalid_grant', 'The authorization code is invalid.'),
    hint: 'Authorization code has been revoked',
  }),
  unproven_request: () => wire(400, 'invalid_request', 'The client or the redirect_uri is not known.'),
  invalid_authorization_request: ({ failure }) => {
    const { error, description } = describeAuthorizationFailure(failure)
    return wire(400, error, description)
  },
  wrong_redirect_uri: () => wire(400, 'invalid_grant', 'The authorization code is invalid.'),
  foreign_token: () => wire(400, 'invalid_grant', 'The token was issued to another client.'),
  invalid_scope: () => ({
    ...wire(400, 'invalid_scope', 'The requested scope is unknown or more than the client may have.'),
    hint: 'Check the `scope` parameter',
  }),
  missing_access_token: () => wire(401, 'invalid_token', 'Send an access token.'),
  invalid_access_token: () => wire(401, 'invalid_token', 'The access token is invalid.'),
  invalid_dpop_proof: () => wire(400, 'invalid_dpop_proof', 'The DPoP proof is missing or invalid.'),
  use_dpop_nonce: () => wire(400, 'use_dpop_nonce', 'Send a DPoP proof with the nonce of this response.'),
  insufficient_scope: ({ scope }) =>
    wire(403, 'insufficient_scope', `The access token needs the scope ${scope}.`),
  insufficient_user_authentication: () =>
    wire(401, 'insufficient_user_authentication', 'The user must authenticate again.'),
  not_allowed: () => wire(403, 'access_denied', 'The request is not allowed.'),
  unknown_item: () => wire(404, 'invalid_request', 'The account has no such item.'),
  refused_value: ({ parameter }) => ({
    ...wire(400, 'invalid_request', `The parameter ${parameter} is not valid.`),
    hint: `Check the \`${parameter}\` parameter`,
  }),
  temporarily_unavailable: () =>
    wire(503, 'temporarily_unavailable', 'The service is not available now. Try again shortly.'),
  too_many_attempts: () =>
    wire(429, 'temporarily_unavailable', 'There were too many attempts. Try again later.'),
  server_error: () => wire(500, 'server_error', 'The server met an unexpected condition.'),
}

const refusedClient: WireError = wire(401, 'invalid_client', 'Client authentication failed')
const unsupportedGrant: WireError = {
  ...wire(
    400,
    'unsupported_grant_type',
    'The authorization grant type is not supported by the authorization server.',
  ),
  hint: 'Check that all required parameters have been provided',
}

/** The errors that clients of OroCommerce need. All other errors have the format of the RFC. */
const oro: Table = {
  ...rfc6749,
  missing_parameter: (refusal) =>
    refusal.parameter === 'grant_type' ? unsupportedGrant : rfc6749.missing_parameter(refusal),
  unsupported_grant_type: () => unsupportedGrant,
  invalid_client: () => refusedClient,
  unauthorized_client: () => refusedClient,
  invalid_refresh_token: () => wire(401, 'invalid_request', 'The refresh token is invalid.'),
  wrong_redirect_uri: () => refusedClient,
  unproven_request: () => refusedClient,
}

const tables: Record<ErrorDialect, Table> = { rfc6749, oro }

/** Describes a refusal for callers. A refusal always has the same text. */
export function describeRefusal(refusal: Refusal, dialect: ErrorDialect): WireError {
  const describe = tables[dialect][refusal.kind] as (refusal: Refusal) => WireError
  return describe(refusal)
}

/** The JSON members of an error, in order. `oro` repeats the description as `message` and adds the hint. */
export function formatError(wireError: WireError, dialect: ErrorDialect): Record<string, string> {
  const { error, description, hint, authSession } = wireError
  const ofDialect = dialect === 'oro' ? { message: description, hint } : {}
  return compact({ error, error_description: description, ...ofDialect, auth_session: authSession })
}

function wire(status: number, error: string, description: string): WireError {
  return { status, error, description }
}

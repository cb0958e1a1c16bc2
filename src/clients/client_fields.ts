import * as z from 'zod/mini'
import { flag, listOf, text } from '../lib/input_schemas.ts'
import { findOutboundUrlProblem } from '../lib/outbound_url.ts'
import { ASSERTION_AUDIENCES, type AssertionAudience } from '../oauth/client_authentication.ts'
import { ERROR_DIALECTS, type ErrorDialect } from '../oauth/error_dialect.ts'
import { CLIENT_GRANTS } from '../oauth/grant_type.ts'
import { keysSchema, storedKeysSchema } from './assertions/public_keys.ts'
import {
  grantsSchema,
  originSchema,
  redirectUris,
  scopeSchema,
  storedLink,
  storedList,
  storedText,
  uriSchema,
} from './client_field_schemas.ts'
import { defineField } from './define_field.ts'
import { PAGE_FIELDS } from './page_fields.ts'
import { TOKEN_FIELDS } from './token_fields.ts'

/** The algorithms of ID tokens. Every relying party accepts RS256 (OpenID Connect Core §15.1). */
export const ID_TOKEN_ALGORITHMS = ['RS256', 'ES256'] as const
export type IdTokenAlgorithm = (typeof ID_TOKEN_ALGORITHMS)[number]

/** The characters of a client id. A client id has no colon, so it never equals the id of a user or a visitor. */
export const CLIENT_ID = /^[A-Za-z0-9._-]{1,64}$/

export const clientIdSchema = z
  .string('must be a client id')
  .check(z.regex(CLIENT_ID, 'must be 1 to 64 letters, digits, ".", "_" or "-"'))

/**
 * Every field of a client that an operator sets, by its name in `Client`. This table defines the columns of D1 and the copies
 * in KV. It also defines the admin API, its OpenAPI document, the form of the console and the CLI. A new field is one entry
 * here and one migration that adds its column.
 */
export const CLIENT_FIELDS = {
  id: defineField('client_id', {
    kind: 'text',
    label: 'Client id',
    description: '1 to 64 letters, digits, ".", "_" or "-"; cannot be changed later',
    input: clientIdSchema,
    stored: z.string().check(z.maxLength(255)),
    isEditable: false,
    defaultOf: null,
  }),
  name: defineField('name', {
    kind: 'text',
    label: 'Display name',
    description: 'Display name; defaults to the client id',
    input: text(200, 'a name'),
    stored: storedText,
    isEditable: true,
    defaultOf: (id) => id,
  }),
  api: defineField('api', {
    kind: 'text',
    label: 'API',
    description:
      'API of the client; cannot be changed later. Tokens are for this API, unless a request names an additional API',
    input: z.string('must be the name of an API'),
    stored: storedText,
    isEditable: false,
    defaultOf: null,
  }),
  additionalApis: defineField('additional_apis', {
    kind: 'list',
    label: 'Additional APIs',
    description:
      'Further APIs that the client can name as the resource of a request (RFC 8707); each token is for one API. The client can also have scopes of these APIs',
    input: listOf(z.string('must be the name of an API'), 'APIs'),
    stored: storedList,
    isEditable: true,
    defaultOf: () => [],
    choices: ({ addable }) => addable,
  }),
  grants: defineField('grants', {
    kind: 'list',
    label: 'Grants',
    description:
      'Grants that the client can use: authorization_code (sign-in by browser), password (sign-in in the client, and guests), refresh_token (refresh tokens after a sign-in by browser) or client_credentials (the client itself, needs a secret or a key)',
    input: grantsSchema,
    stored: z.array(z.enum(CLIENT_GRANTS)),
    isEditable: true,
    defaultOf: null,
    choices: () => CLIENT_GRANTS,
  }),
  scopes: defineField('scopes', {
    kind: 'list',
    label: 'Scopes',
    description: 'Scopes that the tokens of the client can have',
    input: listOf(scopeSchema, 'scopes'),
    stored: storedList,
    isEditable: true,
    defaultOf: () => [],
    choices: ({ selected }) => selected.flatMap((api) => api.scopes),
  }),
  origins: defineField('origins', {
    kind: 'list',
    label: 'Web origins',
    description: 'Web origins allowed by CORS, such as https://shop.example.com',
    input: listOf(originSchema, 'origins'),
    stored: storedList,
    isEditable: true,
    defaultOf: () => [],
  }),
  confidential: defineField('confidential', {
    kind: 'flag',
    label: 'Confidential',
    description:
      'true: the client authenticates with a secret or a key; false: a public client, such as an app',
    input: flag,
    stored: z.boolean(),
    isEditable: false,
    defaultOf: () => true,
  }),
  enabled: defineField('enabled', {
    kind: 'flag',
    label: 'Enabled',
    description: 'false: the server refuses every request of the client',
    input: flag,
    stored: z.boolean(),
    isEditable: false,
    defaultOf: () => true,
  }),
  ...TOKEN_FIELDS,
  errorDialect: defineField('errors', {
    kind: 'text',
    label: 'Format of errors',
    description: 'Format of the errors that the client gets, rfc6749 or oro; defaults to that of the API',
    input: z.nullable(z.enum(ERROR_DIALECTS, `must be one of ${ERROR_DIALECTS.join(', ')}`)),
    stored: z.nullable(z.enum(ERROR_DIALECTS)),
    isEditable: true,
    defaultOf: (): ErrorDialect | null => null,
    choices: () => ERROR_DIALECTS,
  }),
  jwks: defineField('jwks', {
    kind: 'json',
    label: 'Public keys',
    description:
      'JSON Web Key Set with the public keys of a confidential client that authenticates by a signed assertion (private_key_jwt) and has no secret',
    input: z.nullable(keysSchema),
    stored: z.nullable(storedKeysSchema),
    isEditable: true,
    section: 'keys',
    defaultOf: () => null,
  }),
  jwksUri: defineField('jwks_uri', {
    kind: 'text',
    label: 'URL of public keys',
    description: 'https URL of the public keys, in place of jwks, so that the client changes its keys itself',
    input: z.nullable(uriSchema((uri) => findOutboundUrlProblem(uri, { allowsLoopback: true }))),
    stored: storedLink,
    isEditable: true,
    section: 'keys',
    defaultOf: () => null,
  }),
  assertionAudience: defineField('assertion_audience', {
    kind: 'text',
    label: 'Audience of assertions',
    description:
      'Required aud of the assertions of the client: issuer, or token_endpoint (the URL of the token endpoint)',
    input: z.enum(ASSERTION_AUDIENCES, `must be one of ${ASSERTION_AUDIENCES.join(', ')}`),
    stored: z.enum(ASSERTION_AUDIENCES),
    isEditable: true,
    section: 'keys',
    defaultOf: (): AssertionAudience => 'issuer',
    choices: () => ASSERTION_AUDIENCES,
  }),
  redirectUris: defineField('redirect_uris', {
    kind: 'list',
    label: 'Redirect URIs',
    description:
      'Exact URIs that receive the result of a sign-in by browser, such as https://shop.example.com/callback; http only for 127.0.0.1, [::1] and localhost, with any port',
    input: redirectUris,
    stored: storedList,
    isEditable: true,
    section: 'browser',
    defaultOf: () => [],
  }),
  postLogoutRedirectUris: defineField('post_logout_redirect_uris', {
    kind: 'list',
    label: 'Post-logout redirect URIs',
    description: 'Exact URIs to which the browser can return after a sign-out',
    input: redirectUris,
    stored: storedList,
    isEditable: true,
    section: 'browser',
    defaultOf: () => [],
  }),
  isFirstParty: defineField('first_party', {
    kind: 'flag',
    label: 'First party',
    description:
      'Whether the client is an application of your organisation, which needs no consent of the user',
    input: flag,
    stored: z.boolean(),
    isEditable: true,
    section: 'browser',
    defaultOf: () => false,
  }),
  requiresPkce: defineField('require_pkce', {
    kind: 'flag',
    label: 'Require PKCE',
    description:
      'Whether a sign-in by browser needs PKCE (RFC 7636); only a confidential client can do without it',
    input: flag,
    stored: z.boolean(),
    isEditable: true,
    section: 'browser',
    defaultOf: () => true,
  }),
  bindsTokens: defineField('dpop_bound_access_tokens', {
    kind: 'flag',
    label: 'Require DPoP',
    description:
      'Whether each token request needs a DPoP proof with a nonce (RFC 9449), so that a stolen token is useless without the key of the client',
    input: flag,
    stored: z.boolean(),
    isEditable: true,
    defaultOf: () => false,
  }),
  incrementalScopes: defineField('incremental_scopes', {
    kind: 'flag',
    label: 'Add earlier scopes',
    description:
      'Whether a sign-in by browser also gives the scopes that the user has allowed before; the consent page lists all of them. Only for a third-party client',
    input: flag,
    stored: z.boolean(),
    isEditable: true,
    section: 'browser',
    defaultOf: () => false,
  }),
  idTokenAlgorithm: defineField('id_token_signed_response_alg', {
    kind: 'text',
    label: 'ID token algorithm',
    description: 'Algorithm that signs the ID tokens of the client: RS256 or ES256',
    input: z.enum(ID_TOKEN_ALGORITHMS, `must be one of ${ID_TOKEN_ALGORITHMS.join(', ')}`),
    stored: z.enum(ID_TOKEN_ALGORITHMS),
    isEditable: true,
    section: 'browser',
    defaultOf: (): IdTokenAlgorithm => 'RS256',
    choices: () => ID_TOKEN_ALGORITHMS,
  }),
  ...PAGE_FIELDS,
}

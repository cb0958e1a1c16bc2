import * as z from 'zod/mini'
import { text } from '../../lib/input_schemas.ts'
import { FetchFailed } from '../../lib/outbound.ts'
import { findLinkProblem } from '../../lib/page_links.ts'
import { findKeyProblem, MAX_KEYS, storedKeysSchema } from '../assertions/public_keys.ts'
import { ID_TOKEN_ALGORITHMS } from '../client_fields.ts'
import { findRedirectUriProblem, isPrivateUse, MAX_REDIRECT_URIS } from '../redirect_uri.ts'

const METHODS = ['none', 'private_key_jwt'] as const
type Method = (typeof METHODS)[number]

/** The values of a document that the server uses. */
export const metadataSchema = z.object({
  name: z.string(),
  redirectUris: z.array(z.string()),
  hasRefreshTokens: z.boolean(),
  /** Whether the client can send requests without authentication. */
  isPublic: z.boolean(),
  jwks: z.nullable(storedKeysSchema),
  jwksUri: z.nullable(z.string()),
  /** Whether each token request needs a DPoP proof (RFC 9449 §5.2). A copy of an earlier version lacks the member. */
  bindsTokens: z._default(z.boolean(), false),
  idTokenAlgorithm: z.enum(ID_TOKEN_ALGORITHMS),
  clientUri: z.nullable(z.string()),
  policyUri: z.nullable(z.string()),
  tosUri: z.nullable(z.string()),
})
export type MetadataDocument = z.output<typeof metadataSchema>

const strings = z.array(z.string())

/** The members of a document that decide whether it can be used (RFC 7591 §2). Other members are ignored. */
const wireSchema = z.looseObject({
  client_id: z.string(),
  client_name: text(200),
  redirect_uris: strings,
  grant_types: z._default(strings, ['authorization_code']),
  response_types: z._default(strings, ['code']),
  token_endpoint_auth_method: z.optional(z.string()),
  token_endpoint_auth_methods_supported: z.optional(strings),
  jwks: z.optional(storedKeysSchema),
  jwks_uri: z.optional(z.string()),
  dpop_bound_access_tokens: z._default(z.boolean(), false),
})
type Wire = z.output<typeof wireSchema>

/**
 * Reads a document (OAuth Client ID Metadata Document §4).
 *
 * @param findUrlProblem Finds the problem of a `jwks_uri`; null for a URL that the server can fetch.
 * @throws FetchFailed
 */
export function readMetadata(
  url: string,
  object: object,
  findUrlProblem: (url: string) => string | null,
): MetadataDocument {
  const { data: wire, error } = wireSchema.safeParse(object)
  if (wire === undefined) throw unusable(`wrong member: ${error.issues[0]?.path.join('.')}`)
  if (wire.client_id !== url) throw unusable('its client_id is not its URL')
  if ('client_secret' in wire || 'client_secret_expires_at' in wire)
    throw unusable('a public document has a secret')
  if (!wire.grant_types.includes('authorization_code') || !wire.response_types.includes('code'))
    throw unusable('it does not use the authorization code grant')
  const keys = readKeys(wire, findUrlProblem)
  return {
    name: wire.client_name,
    redirectUris: readRedirectUris(wire),
    hasRefreshTokens: wire.grant_types.includes('refresh_token'),
    ...keys,
    bindsTokens: wire.dpop_bound_access_tokens,
    idTokenAlgorithm: ID_TOKEN_ALGORITHMS.find((alg) => alg === wire.id_token_signed_response_alg) ?? 'RS256',
    clientUri: readLink(wire.client_uri),
    policyUri: readLink(wire.policy_uri),
    tosUri: readLink(wire.tos_uri),
  }
}

/** @param detail The reason for the log, without text of the document. */
function unusable(detail: string): FetchFailed {
  return new FetchFailed('content', detail)
}

/** A client can list URIs for other servers too, such as a private-use scheme. The server ignores those that it does not support. */
function readRedirectUris({ redirect_uris: uris }: Wire): string[] {
  const usable = uris.filter((uri) => findRedirectUriProblem(uri) === null && !isPrivateUse(uri))
  if (usable.length === 0) throw unusable('it has no redirect URI that the server supports')
  if (usable.length > MAX_REDIRECT_URIS) throw unusable('it has too many redirect URIs')
  return [...new Set(usable)]
}

/** The methods of authentication and the keys (RFC 7591 §2, OpenID Connect RP Metadata Choices §2). */
function readKeys(
  wire: Wire,
  findUrlProblem: (url: string) => string | null,
): Pick<MetadataDocument, 'isPublic' | 'jwks' | 'jwksUri'> {
  const methods = methodsOf(wire)
  if (!methods.includes('private_key_jwt')) {
    if (methods.includes('none')) return { isPublic: true, jwks: null, jwksUri: null }
    throw unusable('it has no method of authentication that the server supports')
  }
  const isPublic = methods.includes('none')
  const { jwks, jwks_uri: jwksUri } = wire
  if (jwksUri !== undefined) {
    if (jwks !== undefined || findUrlProblem(jwksUri) !== null) throw unusable('its jwks_uri cannot be used')
    return { isPublic, jwks: null, jwksUri }
  }
  const keys = jwks?.keys.filter((key) => findKeyProblem(key) === null) ?? []
  if (keys.length === 0 || keys.length > MAX_KEYS) throw unusable('it has no keys, or too many')
  return { isPublic, jwks: { keys }, jwksUri: null }
}

/** A document without a method uses its keys. Without keys its client is public, because a document must have no secret. */
function methodsOf(wire: Wire): Method[] {
  const { token_endpoint_auth_method: method, token_endpoint_auth_methods_supported: methods } = wire
  const hasKeys = wire.jwks !== undefined || wire.jwks_uri !== undefined
  const named = methods ?? (method === undefined ? [hasKeys ? 'private_key_jwt' : 'none'] : [method])
  return METHODS.filter((known) => named.includes(known) || known === method)
}

/** A link that the pages can show; null for any other value. */
function readLink(value: unknown): string | null {
  return typeof value === 'string' && findLinkProblem(value) === null ? value : null
}

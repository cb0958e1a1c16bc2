import * as z from 'zod/mini'
import { AUTHORIZATION_PATH } from '../authorization/authorization_path.ts'
import { RESPONSE_MODES } from '../authorization/authorization_request.ts'
import type { Config } from '../config/config.ts'
import { offeredGrants } from '../grants/registry.ts'
import type { Handler } from '../http/handlers.ts'
import { requestContext } from '../http/request_context.ts'
import type { Responses } from '../http/responses.ts'
import type { KeyRing } from '../keys/key_ring.ts'
import { compact } from '../lib/compact.ts'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { etagOf } from '../lib/etag.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import { CLIENT_AUTHENTICATION_METHODS } from '../oauth/client_authentication.ts'
import type { Services } from '../services/services.ts'
import { type Endpoint, JSON_FORMAT } from './endpoint.ts'
import { introspectEndpoint } from './introspect.ts'
import { jwksEndpoint } from './jwks.ts'
import { parEndpoint } from './par.ts'
import { revocationsEndpoint } from './revocations.ts'
import { revokeEndpoint } from './revoke.ts'
import { tokenEndpoint } from './token.ts'

const MAX_AGE_SECONDS = 300

/**
 * The metadata document (RFC 8414 §3). The path of OpenID Connect Discovery has the same document, because many libraries read
 * only that path. The issuer has no path, so RFC 8414 and Discovery give the document the same address.
 */
export const metadataEndpoints: Endpoint[] = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
].map((path) => ({ path, format: JSON_FORMAT, methods: { GET: createMetadataHandler } }))

function createMetadataHandler(
  services: Pick<Services, 'config' | 'keys' | 'clock'>,
  responses: Responses,
): Handler {
  const { config, keys, clock } = services
  const publish = responses.publisher()
  let last: { jwks: string | null; body: string; etag: string } | null = null
  return async (c) => {
    const jwks = await findJwks(keys, requestContext(c, clock))
    if (last?.jwks !== jwks) {
      const body = JSON.stringify(describeServer(config, algorithmsOf(jwks, config)))
      last = { jwks, body, etag: await etagOf(body) }
    }
    return publish(last.body, { etag: last.etag, maxAgeSeconds: MAX_AGE_SECONDS })
  }
}

/** The published keys; null if no store responds. The document must be available even then. */
async function findJwks(keys: KeyRing, context: RequestContext): Promise<string | null> {
  try {
    return (await keys.jwks(context)).body
  } catch (error) {
    if (error instanceof StorageUnavailable) return null
    throw error
  }
}

const jwksSchema = z.object({ keys: z.array(z.object({ alg: z.string() })) })

/** The algorithms of the published keys. A key of an earlier `signing_algorithm` may have signed a live token. */
function algorithmsOf(jwks: string | null, { signingAlgorithm }: Config): string[] {
  if (jwks === null) return [signingAlgorithm]
  const { keys } = decodeRecord(jwksSchema, 'the JWKS', parseJsonColumn('the JWKS', jwks))
  return [...new Set(keys.map(({ alg }) => alg))]
}

/** Creates the document from the tables of grants and endpoints (docs/decisions/0031). */
function describeServer(config: Config, algorithms: string[]) {
  const scopes = new Set([...config.apis.values()].flatMap((api) => api.scopes))
  return compact({
    issuer: config.issuer,
    authorization_endpoint: config.issuer + AUTHORIZATION_PATH,
    token_endpoint: config.issuer + tokenEndpoint.path,
    jwks_uri: config.issuer + jwksEndpoint.path,
    revocation_endpoint: config.issuer + revokeEndpoint.path,
    introspection_endpoint: config.issuer + introspectEndpoint.path,
    revocations_uri: config.issuer + revocationsEndpoint.path,
    scopes_supported: scopes.size === 0 ? undefined : [...scopes],
    pushed_authorization_request_endpoint: config.issuer + parEndpoint.path,
    response_types_supported: ['code'],
    response_modes_supported: RESPONSE_MODES,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    grant_types_supported: offeredGrants(config).map((grant) => grant.type),
    // Required by OpenID Connect Discovery §3.
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
    token_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
    revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
    introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS.filter(
      (method) => method !== 'none',
    ),
  })
}

import * as z from 'zod/mini'
import { DPOP_ALGORITHMS } from '#verify/dpop_proof'
import { AUTHORIZATION_PATH, LOGOUT_ENDPOINT_PATH } from '../authorization/authorization_path.ts'
import { CREATE, PROMPTS, RESPONSE_MODES } from '../authorization/authorization_request.ts'
import { ASSERTION_ALGORITHMS } from '../clients/assertions/public_keys.ts'
import type { Config } from '../config/config.ts'
import { accountsOf } from '../config/pool_settings.ts'
import { offeredGrants } from '../grants/registry.ts'
import type { Handler } from '../http/handlers.ts'
import { requestContext } from '../http/request_context.ts'
import type { Responses } from '../http/responses.ts'
import type { KeyRing } from '../keys/key_ring.ts'
import { liveAlgorithms } from '../keys/key_schedule.ts'
import { compact } from '../lib/compact.ts'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { etagOf } from '../lib/etag.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { StorageUnavailable } from '../lib/storage_error.ts'
import { CLIENT_AUTHENTICATION_METHODS } from '../oauth/client_authentication.ts'
import { IDENTITY_SCOPES } from '../oauth/identity_scope.ts'
import type { Services } from '../services/services.ts'
import { ACR_VALUES, levelOf } from '../signin/authentication_level.ts'
import { highestLevelOf } from '../signin/second_factor.ts'
import { namesOfClaims } from '../tokens/claims.ts'
import { challengeEndpoint } from './challenge.ts'
import { type Endpoint, JSON_FORMAT } from './endpoint.ts'
import { introspectEndpoint } from './introspect.ts'
import { jwksEndpoint } from './jwks.ts'
import { parEndpoint } from './par.ts'
import { revocationsEndpoint } from './revocations.ts'
import { revokeEndpoint } from './revoke.ts'
import { tokenEndpoint } from './token.ts'
import { userinfoEndpoint } from './userinfo.ts'

const MAX_AGE_SECONDS = 300

/**
 * The metadata document (RFC 8414 §3). The path of OpenID Connect Discovery has the same document, because many libraries read
 * only that path. The issuer has no path, so RFC 8414 and Discovery give the document the same URL.
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

/**
 * The algorithms that sign new tokens, and the algorithms of all published keys. A key of an earlier `signing_algorithm` may have signed a live token.
 * Readers accept only the listed algorithms (docs/decisions/0056).
 */
function algorithmsOf(jwks: string | null, config: Config): string[] {
  const live = liveAlgorithms(config)
  if (jwks === null) return live
  const { keys } = decodeRecord(jwksSchema, 'the JWKS', parseJsonColumn('the JWKS', jwks))
  return [...new Set([...live, ...keys.map(({ alg }) => alg)])]
}

/** The scopes in the metadata: identity scopes, and the scopes of APIs with guests or agents. Other scopes are internal. */
function publicScopes({ apis, openIdEnabled }: Config): string[] {
  const ofApis = [...apis.values()]
    .filter(({ guests, agents }) => guests || agents)
    .flatMap((api) => api.scopes)
  return [...new Set([...(openIdEnabled ? IDENTITY_SCOPES : []), ...ofApis])]
}

/** The members of an OpenID provider (OpenID Connect Discovery §3); empty if config.yml turns it off. */
function describeProvider(config: Config) {
  const { issuer, openIdEnabled } = config
  if (!openIdEnabled) return {}
  return {
    userinfo_endpoint: issuer + userinfoEndpoint.path,
    end_session_endpoint: issuer + LOGOUT_ENDPOINT_PATH,
    prompt_values_supported: PROMPTS.filter((prompt) => prompt !== CREATE || hasSignUp(config)),
    claim_types_supported: ['normal'],
    claims_supported: [...new Set([...namesOfClaims('id_token'), ...namesOfClaims('userinfo')])],
  }
}

/** Whether visitors can create accounts in any pool. */
function hasSignUp(config: Config): boolean {
  return [...config.apis.values()].some(({ userPool }) => accountsOf(userPool, config).signUp)
}

/** The levels of authentication that users of any pool can reach (RFC 9470 §7). */
function acrValues(config: Config): string[] {
  const levels = [...config.apis.values()].map(({ userPool }) => highestLevelOf(userPool, config))
  return ACR_VALUES.filter((acr) => levelOf(acr) === 1 || levels.includes(levelOf(acr)))
}

/** Creates the document from the tables of grants, endpoints and claims (docs/decisions/0056). */
function describeServer(config: Config, algorithms: string[]) {
  const scopes = publicScopes(config)
  return compact({
    issuer: config.issuer,
    authorization_endpoint: config.issuer + AUTHORIZATION_PATH,
    token_endpoint: config.issuer + tokenEndpoint.path,
    jwks_uri: config.issuer + jwksEndpoint.path,
    revocation_endpoint: config.issuer + revokeEndpoint.path,
    introspection_endpoint: config.issuer + introspectEndpoint.path,
    revocations_uri: config.issuer + revocationsEndpoint.path,
    scopes_supported: scopes.length === 0 ? undefined : scopes,
    pushed_authorization_request_endpoint: config.issuer + parEndpoint.path,
    authorization_challenge_endpoint: config.issuer + challengeEndpoint.path,
    response_types_supported: ['code'],
    response_modes_supported: RESPONSE_MODES,
    code_challenge_methods_supported: ['S256'],
    client_id_metadata_document_supported: config.agents.trustedHosts.length > 0,
    authorization_response_iss_parameter_supported: true,
    acr_values_supported: acrValues(config),
    grant_types_supported: offeredGrants(config).map((grant) => grant.type),
    // Required by OpenID Connect Discovery §3.
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
    ...describeProvider(config),
    dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    token_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
    revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS.filter(
      (method) => method !== 'none',
    ),
    introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
  })
}

import type { Config } from '../config/config.ts'
import { offeredGrants } from '../grants/registry.ts'
import type { Answers } from '../http/answers.ts'
import { etagOf } from '../lib/etag.ts'
import { CLIENT_AUTHENTICATION_METHODS } from '../oauth/client_authentication.ts'
import type { Services } from '../services.ts'
import type { Endpoint } from './endpoint.ts'
import { introspectEndpoint } from './introspect.ts'
import { jwksEndpoint } from './jwks.ts'
import { revocationsEndpoint } from './revocations.ts'
import { revokeEndpoint } from './revoke.ts'
import { tokenEndpoint } from './token.ts'

const MAX_AGE_SECONDS = 300

/** The metadata document (RFC 8414 §3), and the same under the name that OpenID Connect libraries look for. */
export const metadataEndpoints: Endpoint[] = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
].map((path) => ({ method: 'GET', path, handler: answerMetadata }))

function answerMetadata({ config }: Services, answers: Answers): ReturnType<Endpoint['handler']> {
  const publish = answers.publisher()
  const body = JSON.stringify(describeServer(config))
  let etag: string | null = null
  return async () => {
    etag ??= await etagOf(body)
    return publish(body, { etag, maxAgeSeconds: MAX_AGE_SECONDS })
  }
}

/** Made from the tables that do the work, so that it cannot say what is not so. */
function describeServer(config: Config) {
  return {
    issuer: config.issuer,
    token_endpoint: config.issuer + tokenEndpoint.path,
    jwks_uri: config.issuer + jwksEndpoint.path,
    revocation_endpoint: config.issuer + revokeEndpoint.path,
    introspection_endpoint: config.issuer + introspectEndpoint.path,
    revocations_uri: config.issuer + revocationsEndpoint.path,
    scopes_supported: [...new Set([...config.apis.values()].flatMap((api) => api.scopes))],
    // Required by RFC 8414 §2; empty, since there is no authorization endpoint.
    response_types_supported: [],
    grant_types_supported: offeredGrants(config).map((grant) => grant.type),
    token_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
    revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
    introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS.filter(
      (method) => method !== 'none',
    ),
  }
}

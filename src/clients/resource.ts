import type { ApiConfig, Config } from '../config/config.ts'
import { withoutSlash } from '../lib/exact_uri.ts'
import { invalidTarget } from '../oauth/errors.ts'
import type { Parameters } from '../oauth/parameters.ts'
import { type ApiHolder, clientApis } from './client_apis.ts'
import type { ClientRequest } from './client_request.ts'

/**
 * Whether each `resource` of a request is this API (RFC 8707 §2). A final slash makes no difference. A fragment names no API. A request
 * without `resource` is also about the API.
 *
 * @throws OAuthError invalid_request if a value is not a string
 */
export function namesOnly({ audience }: Pick<ApiConfig, 'audience'>, parameters: Parameters): boolean {
  const named = parameters.findAll('resource')
  return named.every((uri) => !uri.includes('#') && withoutSlash(uri) === withoutSlash(audience))
}

/**
 * The API that a request is about: the one API of the client that `resource` names, or without `resource` the client's own API. A token
 * has one audience, so two different resources name no API.
 *
 * @returns null if the client has no such API
 * @throws OAuthError invalid_request if a value is not a string
 */
export function findRequestedApi(
  parameters: Parameters,
  client: ApiHolder,
  config: Pick<Config, 'apis' | 'adminApi'>,
): ApiConfig | null {
  return clientApis(client, config).find((api) => namesOnly(api, parameters)) ?? null
}

/** The API that `resource` names, for a request whose client is not known; null without one. @throws OAuthError invalid_request */
export function findNamedApi(parameters: Parameters, { apis }: Pick<Config, 'apis'>): ApiConfig | null {
  if (parameters.findAll('resource').length === 0) return null
  return [...apis.values()].find((api) => namesOnly(api, parameters)) ?? null
}

/**
 * The request about the API that its `resource` names.
 *
 * @throws OAuthError invalid_target, or invalid_request if a value is not a string
 */
export function requestAboutResource(
  request: ClientRequest,
  config: Pick<Config, 'apis' | 'adminApi'>,
): ClientRequest {
  const api = findRequestedApi(request.parameters, request.client, config)
  if (api === null) throw invalidTarget()
  return { ...request, api }
}

/**
 * Requires that the request names no API except the granted one (RFC 8707 §2.2).
 *
 * @throws OAuthError invalid_target
 */
export function requireGrantedApi({ api, parameters }: Pick<ClientRequest, 'api' | 'parameters'>): void {
  if (!namesOnly(api, parameters)) throw invalidTarget()
}

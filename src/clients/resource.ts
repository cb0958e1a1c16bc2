import type { ApiConfig } from '../config/config.ts'
import { withoutSlash } from '../lib/exact_uri.ts'
import type { Parameters } from '../oauth/parameters.ts'

/**
 * Whether each `resource` of a request is the API of the client (RFC 8707 §2). A trailing slash makes no difference. A request
 * without `resource` also means that API.
 *
 * @throws OAuthError invalid_request if a value is not a string
 */
export function namesOwnApi(parameters: Parameters, { audience }: Pick<ApiConfig, 'audience'>): boolean {
  return parameters.findAll('resource').every((resource) => withoutSlash(resource) === withoutSlash(audience))
}

import type { Context } from 'hono'
import { AuthorizationError } from '../authorization/authorization_error.ts'
import { AUTHORIZATION_PATH } from '../authorization/authorization_path.ts'
import { withParameters } from '../authorization/authorization_response.ts'
import { FORWARDED_SECONDS } from '../authorization/sealed_request.ts'
import { OAuthError } from '../oauth/errors.ts'
import { hasIdToken } from '../tokens/issue_tokens.ts'
import { readBrowserRequest } from './browser_request.ts'
import type { BrowserServices } from './browser_services.ts'
import { readSituation } from './situation.ts'
import { takeNextStep } from './take_next_step.ts'

/** The authorization endpoint (RFC 6749 §3.1). */
export async function authorize(c: Context, services: BrowserServices): Promise<Response> {
  const browserRequest = await readBrowserRequest(c, services)
  const { request, client, context } = browserRequest
  if (hasIdToken(request.scope, services.config)) services.keys.prepareOf(client.idTokenAlgorithm, context)
  const situation = await readSituation(c, browserRequest, services).catch((error) => {
    throw error instanceof OAuthError
      ? new AuthorizationError('too_many_requests', browserRequest.request)
      : error
  })
  const known = { ...situation.known, isOpening: true }
  return takeNextStep(c, { ...situation, known }, services)
}

/**
 * Handles a POST to the authorization endpoint. A POST from another site has no `Lax` cookie, so the server redirects the browser to
 * GET. The URL then has the sealed request, or the `request_uri` of the body: its validity must not begin again.
 */
export async function forwardPost(c: Context, services: BrowserServices): Promise<Response> {
  const { request, context, requestUri } = await readBrowserRequest(c, services)
  const forwarded = requestUri ?? (await services.requests.seal(request, context.now + FORWARDED_SECONDS))
  const parameters = { client_id: request.clientId, request_uri: forwarded }
  return c.redirect(withParameters(AUTHORIZATION_PATH, parameters), 303)
}

import type { Context } from 'hono'
import { UnprovenRequest } from '../authorization/authorization_error.ts'
import type { AuthorizationRequest } from '../authorization/authorization_request.ts'
import { parseAuthorizationRequest, readReturnAddress } from '../authorization/parse_request.ts'
import type { StoredClient } from '../clients/client.ts'
import type { ApiConfig } from '../config/config.ts'
import { requestContext } from '../http/request_context.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { OAuthError } from '../oauth/errors.ts'
import { type Parameters, parseFormParameters } from '../oauth/parameters.ts'
import type { Services } from '../services/services.ts'
import { findVisitor } from '../sessions/spend_visitor.ts'

/** An authorization request in a browser, with its client and its API. */
export interface BrowserRequest {
  request: AuthorizationRequest
  client: StoredClient
  api: ApiConfig
  context: RequestContext
}

/** Reads the request in the address of the authorization endpoint. @throws UnprovenRequest, AuthorizationError */
export async function readBrowserRequest(c: Context, services: Services): Promise<BrowserRequest> {
  const context = requestContext(c, services.clock)
  const parameters = readQuery(c)
  const { client, api } = await requireClient(parameters.find('client_id'), services, context)
  const address = readReturnAddress(parameters, { client, api })
  const visitorToken = parameters.find('visitor_access_token')
  const visitor = await findVisitor(visitorToken, { client, api, context }, services)
  const hints = { hintedSubject: null, visitor }
  const request = parseAuthorizationRequest(parameters, { client, api }, address, hints, context.now)
  return { request, client, api, context }
}

/** Finds the client and the API of a request that a form carried. @throws UnprovenRequest, StorageUnavailable */
export async function restoreBrowserRequest(
  c: Context,
  request: AuthorizationRequest,
  services: Services,
): Promise<BrowserRequest> {
  const context = requestContext(c, services.clock)
  return { request, ...(await requireClient(request.clientId, services, context)), context }
}

/** @throws UnprovenRequest if a parameter is repeated or its encoding is invalid */
function readQuery(c: Context): Parameters {
  try {
    return parseFormParameters(new URL(c.req.url).search.slice(1))
  } catch (error) {
    if (error instanceof OAuthError) throw new UnprovenRequest('malformed', error.reason)
    throw error
  }
}

async function requireClient(
  id: string | null,
  { clients, config }: Services,
  context: RequestContext,
): Promise<{ client: StoredClient; api: ApiConfig }> {
  const client = id === null ? null : await clients.findCurrent(id, context)
  if (client === null) throw new UnprovenRequest('client', 'unknown client')
  const api = config.apis.get(client.api)
  if (!client.enabled || !api) throw new UnprovenRequest('client', 'disabled client')
  return { client, api }
}

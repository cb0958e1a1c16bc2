import type { Context } from 'hono'
import { UnprovenRequest } from '../authorization/authorization_error.ts'
import type { AuthorizationRequest } from '../authorization/authorization_request.ts'
import { readHintedSubject } from '../authorization/id_token_hint.ts'
import { parseAuthorizationRequest, readReturnAddress } from '../authorization/parse_request.ts'
import { isOwnRequestUri } from '../authorization/sealed_request.ts'
import type { StoredClient } from '../clients/client.ts'
import type { ApiConfig } from '../config/config.ts'
import { readParameters } from '../http/read_parameters.ts'
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

/**
 * Reads the request in the address of the authorization endpoint, or in the body of a POST (OpenID Connect Core §3.1.2.1).
 *
 * @throws UnprovenRequest, AuthorizationError, StorageUnavailable
 */
export async function readBrowserRequest(c: Context, services: Services): Promise<BrowserRequest> {
  const context = requestContext(c, services.clock)
  const parameters = await readAnyParameters(c)
  const requestUri = parameters.find('request_uri')
  if (requestUri !== null && isOwnRequestUri(requestUri))
    return openRequest(requestUri, parameters, services, context)
  const found = await requireClient(parameters.find('client_id'), services, context)
  const address = readReturnAddress(parameters, found)
  const visitorToken = parameters.find('visitor_access_token')
  const visitor = await findVisitor(visitorToken, { ...found, context }, services)
  const hints = { hintedSubject: await readHintedSubject(parameters, address, services, context), visitor }
  return {
    request: parseAuthorizationRequest(parameters, found, address, hints, context.now),
    ...found,
    context,
  }
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

/** Opens a pushed request. Only `client_id` counts beside it (RFC 9126 §4). */
async function openRequest(
  requestUri: string,
  parameters: Parameters,
  services: Services,
  context: RequestContext,
): Promise<BrowserRequest> {
  const request = await services.requests.open(requestUri, context.now)
  if (request === null) throw new UnprovenRequest('the request_uri has expired or is unknown')
  if (parameters.find('client_id') !== request.clientId)
    throw new UnprovenRequest('the request_uri belongs to another client')
  return { request, ...(await requireClient(request.clientId, services, context)), context }
}

/** @throws UnprovenRequest if a parameter is repeated, or if the request cannot be read */
async function readAnyParameters(c: Context): Promise<Parameters> {
  try {
    if (c.req.method === 'POST') return await readParameters(c.req.raw)
    return parseFormParameters(new URL(c.req.url).search.slice(1))
  } catch (error) {
    if (error instanceof OAuthError) throw new UnprovenRequest(error.reason)
    throw error
  }
}

async function requireClient(
  id: string | null,
  { clients, config }: Services,
  context: RequestContext,
): Promise<{ client: StoredClient; api: ApiConfig }> {
  const client = id === null ? null : await clients.findCurrent(id, context)
  if (client === null) throw new UnprovenRequest('unknown client')
  const api = config.apis.get(client.api)
  if (!client.enabled || !api) throw new UnprovenRequest('disabled client')
  return { client, api }
}

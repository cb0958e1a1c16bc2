import type { Context } from 'hono'
import { AuthorizationError, UnprovenRequest } from '../authorization/authorization_error.ts'
import type { AuthorizationRequest } from '../authorization/authorization_request.ts'
import { codeKeyOf } from '../authorization/bind_to_proof.ts'
import { checkAgain } from '../authorization/check_again.ts'
import { readHintedSubject } from '../authorization/id_token_hint.ts'
import { parseAuthorizationRequest, readReturnAddress } from '../authorization/parse_request.ts'
import { requestHolderOf } from '../authorization/request_holder.ts'
import { isOwnRequestUri } from '../authorization/sealed_request.ts'
import { findAccountClient } from '../clients/account_client.ts'
import type { StoredClient } from '../clients/client.ts'
import { findClientApi } from '../clients/client_apis.ts'
import { errorDialectOf } from '../clients/error_dialect_of.ts'
import { findRedirectUri } from '../clients/redirect_uri.ts'
import { findNamedApi, findRequestedApi } from '../clients/resource.ts'
import type { ApiConfig } from '../config/config.ts'
import { readPageParameters } from '../http/read_parameters.ts'
import { requestContext } from '../http/request_context.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { isDocumentUrl } from '../oauth/document_client_id.ts'
import { OAuthError } from '../oauth/errors.ts'
import type { Services } from '../services/services.ts'
import { findVisitor } from '../sessions/end_guest_session.ts'

/** An authorization request in a browser, with its client and its API. */
export interface BrowserRequest {
  request: AuthorizationRequest
  client: StoredClient
  api: ApiConfig
  context: RequestContext
}

/** The `request_uri` that had the request; null for a request in parameters. */
interface ReadRequest extends BrowserRequest {
  requestUri: string | null
}

/**
 * Reads the request in the URL of the authorization endpoint, or in the body of a POST (OpenID Connect Core §3.1.2.1).
 *
 * @throws UnprovenRequest, also for a repeated parameter and for a value that is no string; AuthorizationError, StorageUnavailable
 */
export async function readBrowserRequest(c: Context, services: Services): Promise<ReadRequest> {
  try {
    return await readRequest(c, services)
  } catch (error) {
    if (error instanceof OAuthError && !isLater(error)) throw new UnprovenRequest(error.reason)
    throw error
  }
}

/** Whether the same request can succeed later. */
function isLater({ refusal: { kind } }: OAuthError): boolean {
  return kind === 'too_many_attempts' || kind === 'temporarily_unavailable'
}

async function readRequest(c: Context, services: Services): Promise<ReadRequest> {
  const context = requestContext(c, services.clock)
  const parameters = await readPageParameters(c.req.raw)
  const requestUri = parameters.find('request_uri')
  if (requestUri !== null && isOwnRequestUri(requestUri))
    return openRequest(c, { requestUri, clientId: parameters.find('client_id') }, services)
  const named = findNamedApi(parameters, services.config)
  if (named !== null) c.set('api', named)
  const client = await requireClient(c, parameters.find('client_id'), services, { acceptsOld: false })
  const address = readReturnAddress(parameters, { client })
  const api = findRequestedApi(parameters, client, services.config)
  if (api === null) throw new AuthorizationError('resource', address)
  c.set('api', api)
  const found = { client, api }
  const visitorToken = parameters.find('visitor_access_token')
  const proofKey = codeKeyOf({ parameters, proofKey: null })
  const visitorRequest = { ...found, proofKey, context, isFromClient: false }
  const visitor = await findVisitor(visitorToken, visitorRequest, services)
  const hints = { hintedSubject: await readHintedSubject(parameters, address, services, context), visitor }
  const { config } = services
  const holder = requestHolderOf(found, config)
  const request = parseAuthorizationRequest(parameters, holder, address, hints, context.now)
  c.set('uiLocales', request.uiLocales)
  return { request, ...found, context, requestUri: null }
}

/**
 * Finds the client of a sealed request and its API. The client must still have the redirect URI and the rights of the request.
 *
 * @throws UnprovenRequest, AuthorizationError, StorageUnavailable
 */
export async function restoreBrowserRequest(
  c: Context,
  request: AuthorizationRequest,
  services: Services,
): Promise<BrowserRequest> {
  c.set('uiLocales', request.uiLocales)
  const client = await requireClient(c, request.clientId, services, { acceptsOld: true })
  if (findRedirectUri(client, request.redirectUri) === null)
    throw new UnprovenRequest(`${request.clientId} no longer has the redirect URI`)
  const api = findClientApi(client, request.api, services.config)
  if (api === null) throw new AuthorizationError('resource', request)
  c.set('api', api)
  const found = { client, api }
  const checked = checkAgain(request, { ...found, openIdEnabled: services.config.openIdEnabled })
  return { request: checked, ...found, context: requestContext(c, services.clock) }
}

/**
 * Opens a sealed request. The server reads only `client_id` in addition to it (RFC 9126 §4). A reload of a page after the end of its
 * `request_uri` sends the browser back to the client, which can start again.
 */
async function openRequest(
  c: Context,
  { requestUri, clientId }: { requestUri: string; clientId: string | null },
  services: Services,
): Promise<ReadRequest> {
  const opened = await services.requests.open(requestUri)
  if (opened === null) throw new UnprovenRequest('the request_uri is unknown')
  const { request, validUntil } = opened
  if (clientId !== request.clientId) throw new UnprovenRequest('the request_uri belongs to another client')
  const restored = await restoreBrowserRequest(c, request, services)
  if (validUntil <= services.clock.now()) throw new AuthorizationError('expired_request_uri', request)
  return { ...restored, requestUri }
}

/**
 * Finds the client. Error pages of this request then have the looks of its own API.
 *
 * @param options.acceptsOld As for `MetadataDocuments.prepare`.
 * @throws UnprovenRequest, DocumentUnavailable, StorageUnavailable; OAuthError too_many_attempts
 */
async function requireClient(
  c: Context,
  id: string | null,
  services: Services,
  options: { acceptsOld: boolean },
): Promise<StoredClient> {
  const { clients, config, clock, documents } = services
  const context = requestContext(c, clock)
  if (id !== null && isDocumentUrl(id)) {
    c.set('errorDialect', 'rfc6749')
    const usual = config.apis.get(config.agents.defaultApiName ?? '')
    if (usual !== undefined && c.get('api') === undefined) c.set('api', usual)
    await documents.prepare(id, context, options)
  }
  const client =
    id === null ? null : (findAccountClient(id, config) ?? (await clients.findCurrent(id, context)))
  if (client === null) throw new UnprovenRequest('unknown client')
  const api = config.apis.get(client.api)
  if (!client.enabled || !api) throw new UnprovenRequest('disabled client')
  c.set('api', api)
  c.set('errorDialect', errorDialectOf(client, config))
  return client
}

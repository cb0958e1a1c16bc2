import type { Context } from 'hono'
import { isFromClient } from '../audit/is_from_client.ts'
import { AuthorizationError, UnprovenRequest } from '../authorization/authorization_error.ts'
import type { AuthorizationRequest } from '../authorization/authorization_request.ts'
import { bindToProof, codeKeyOf } from '../authorization/bind_to_proof.ts'
import { readHintedSubject } from '../authorization/id_token_hint.ts'
import { parseAuthorizationRequest, readReturnAddress } from '../authorization/parse_request.ts'
import { requestHolderOf } from '../authorization/request_holder.ts'
import { PUSHED_SECONDS } from '../authorization/sealed_request.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { requireUnchangedClient } from '../clients/require_current_client.ts'
import { requestAboutResource } from '../clients/resource.ts'
import type { Responses } from '../http/responses.ts'
import { runAsClient } from '../http/run_as_client.ts'
import { invalidAuthorizationRequest } from '../oauth/errors.ts'
import type { Services } from '../services/services.ts'
import { findVisitor } from '../sessions/end_guest_session.ts'
import { type Endpoint, JSON_FORMAT } from './endpoint.ts'

/** The pushed authorization request endpoint (RFC 9126). It checks the request and seals it into the `request_uri`. */
export const parEndpoint: Endpoint = {
  path: '/oauth2-token/par',
  format: JSON_FORMAT,
  methods: { POST: (services, responses) => (c) => handlePush(c, services, responses) },
}

async function handlePush(c: Context, services: Services, responses: Responses): Promise<Response> {
  const run = (request: ClientRequest) =>
    pushRequest(requestAboutResource(request, services.config), services)
  const requestUri = await runAsClient(c, services, { required: 'response_type', fetchesDocument: true, run })
  return responses.private({ request_uri: requestUri, expires_in: PUSHED_SECONDS }, 201)
}

async function pushRequest(request: ClientRequest, services: Services): Promise<string> {
  await requireUnchangedClient(request, services)
  const visitorToken = request.parameters.find('visitor_access_token')
  const visitorRequest = {
    ...request,
    proofKey: codeKeyOf(request),
    isFromClient: isFromClient(request.client),
  }
  const visitor = await findVisitor(visitorToken, visitorRequest, services)
  const checked = await checkRequest(request, visitor, services)
  return services.requests.seal(checked, request.context.now + PUSHED_SECONDS)
}

/** @throws OAuthError with the error of the authorization request (RFC 9126 §2.3) */
async function checkRequest(
  { parameters, client, api, proofKey, context }: ClientRequest,
  visitor: AuthorizationRequest['visitor'],
  services: Services,
): Promise<AuthorizationRequest> {
  try {
    const address = readReturnAddress(parameters, { client })
    const hintedSubject = await readHintedSubject(parameters, address, services, context)
    const hints = { hintedSubject, visitor }
    const { config } = services
    const holder = requestHolderOf({ client, api }, config)
    return bindToProof(parseAuthorizationRequest(parameters, holder, address, hints, context.now), proofKey)
  } catch (error) {
    if (error instanceof AuthorizationError) throw invalidAuthorizationRequest(error.failure)
    if (error instanceof UnprovenRequest) throw invalidAuthorizationRequest('unknown_redirect_uri')
    throw error
  }
}

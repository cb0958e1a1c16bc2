import type { Context } from 'hono'
import type { AuditKind } from '../audit/audit_event.ts'
import { isFromClient } from '../audit/is_from_client.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { requestAboutResource } from '../clients/resource.ts'
import type { Grant } from '../grants/grant.ts'
import { refreshTokenGrant } from '../grants/refresh_token_grant.ts'
import { requireGrant } from '../grants/registry.ts'
import type { Responses } from '../http/responses.ts'
import { runAsClient } from '../http/run_as_client.ts'
import { invalidDpopProof, OAuthError, type Refusal } from '../oauth/errors.ts'
import type { Parameters } from '../oauth/parameters.ts'
import { TOKEN_ENDPOINT_PATH } from '../oauth/token_endpoint_path.ts'
import type { TokenResponse } from '../oauth/token_response.ts'
import type { Services } from '../services/services.ts'
import { type Endpoint, JSON_FORMAT } from './endpoint.ts'

/** The token endpoint (RFC 6749 §3.2). */
export const tokenEndpoint: Endpoint = {
  path: TOKEN_ENDPOINT_PATH,
  format: JSON_FORMAT,
  methods: { POST: (services, responses) => (c) => handleTokenRequest(c, services, responses) },
}

async function handleTokenRequest(c: Context, services: Services, responses: Responses): Promise<Response> {
  const run = (request: ClientRequest) => runGrant(request, services)
  const options = { required: 'grant_type', acceptsOldKeys: isRefresh, run }
  return responses.private(await runAsClient(c, services, options))
}

/** A refresh token is useless without a key, and also single use. So an old key is enough to continue a session. */
function isRefresh(parameters: Parameters): boolean {
  return parameters.find('grant_type') === refreshTokenGrant.type
}

async function runGrant(request: ClientRequest, services: Services): Promise<TokenResponse> {
  const { client, parameters } = request
  if (client.bindsTokens && request.proofKey === null)
    throw invalidDpopProof(`${client.id} must send a proof`)
  const grant = requireGrant(parameters.require('grant_type'), client, services.config)
  return runAudited(grant, requestAboutResource(request, services.config), services)
}

/** The audit events of refusals. The server only logs other refusals. */
const AUDITED: ReadonlyMap<Refusal['kind'], AuditKind> = new Map([
  ['wrong_credentials', 'sign_in_failure'],
  ['insufficient_authorization', 'sign_in_failure'],
  ['invalid_refresh_token', 'refresh_refused'],
  ['invalid_code', 'code_refused'],
  ['wrong_redirect_uri', 'code_refused'],
])

/** Runs a grant. A refused sign-in, refresh or code gets an audit event with its exact reason. */
async function runAudited(grant: Grant, request: ClientRequest, services: Services): Promise<TokenResponse> {
  try {
    return await grant.run(request, services)
  } catch (error) {
    if (error instanceof OAuthError) auditRefusal(error, grant, { request, services })
    throw error
  }
}

function auditRefusal(
  { refusal, reason, about }: OAuthError,
  { type: grant }: Grant,
  { request, services }: { request: ClientRequest; services: Services },
): void {
  const kind = AUDITED.get(refusal.kind)
  if (kind === undefined) return
  const { client, api, context } = request
  const { subject = null, sid = null, cause = 'other' } = about
  const who = {
    api: about.api ?? api.name,
    clientId: client.id,
    isFromClient: isFromClient(client),
    subject,
    sid,
  }
  services.audit.record({ kind, outcome: 'refused', reason, cause, grant, ...who }, context)
}

import type { Context } from 'hono'
import type { ClientRequest, Grant } from '../grants/grant.ts'
import { requireGrant } from '../grants/registry.ts'
import { readClientRequest } from '../http/client_request.ts'
import { respondPrivately } from '../http/respond.ts'
import { OAuthError, unauthorizedClient } from '../oauth/errors.ts'
import type { TokenResponse } from '../oauth/token_response.ts'
import type { Services } from '../services.ts'
import type { Endpoint } from './endpoint.ts'

/** The token endpoint (RFC 6749 §3.2). */
export const tokenEndpoint: Endpoint = {
  method: 'POST',
  path: '/oauth2-token',
  handler: (services) => (c) => answerTokenRequest(c, services),
}

async function answerTokenRequest(c: Context, services: Services): Promise<Response> {
  const request = await readClientRequest(c, services, 'grant_type')
  const { client, parameters } = request
  const grant = requireGrant(parameters.require('grant_type'), services.config)
  if (!grant.isAllowed(client)) throw unauthorizedClient(`${client.id} may not use ${grant.type}`)
  return respondPrivately(c, await runAudited(grant, request, services))
}

/** Runs a grant; a sign-in or a refresh that it refuses goes to the audit trail with its exact reason. */
async function runAudited(grant: Grant, request: ClientRequest, services: Services): Promise<TokenResponse> {
  try {
    return await grant.run(request, services)
  } catch (error) {
    if (error instanceof OAuthError && isAudited(error)) auditRefusal(grant, error, request, services)
    throw error
  }
}

function isAudited({ refusal }: OAuthError): boolean {
  return refusal.kind === 'wrong_credentials' || refusal.kind === 'invalid_refresh_token'
}

function auditRefusal(
  grant: Grant,
  { reason, about }: OAuthError,
  request: ClientRequest,
  { audit }: Services,
): void {
  const { client, api, context } = request
  const { subject = null, sid = null } = about
  const event = { kind: grant.refusalKind, outcome: 'refused', reason, api: api.name } as const
  audit.record({ ...event, clientId: client.id, subject, sid }, context)
}

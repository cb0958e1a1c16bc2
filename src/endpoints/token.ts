import type { Context } from 'hono'
import { authenticateClient } from '../clients/authenticate_client.ts'
import type { Client } from '../clients/client.ts'
import type { ApiConfig, Config } from '../config/config.ts'
import { requireGrant } from '../grants/registry.ts'
import { allowClientOrigin } from '../http/cors.ts'
import { readParameters } from '../http/read_parameters.ts'
import { requestContext } from '../http/request_context.ts'
import { respondPrivately } from '../http/respond.ts'
import { parseClientCredentials } from '../oauth/client_authentication.ts'
import { invalidClient, unauthorizedClient } from '../oauth/errors.ts'
import type { Services } from '../services.ts'
import type { Endpoint } from './endpoint.ts'

/** The token endpoint (RFC 6749 §3.2). */
export const tokenEndpoint: Endpoint = {
  method: 'POST',
  path: '/oauth2-token',
  handler: (services) => (c) => answerTokenRequest(c, services),
}

async function answerTokenRequest(c: Context, services: Services): Promise<Response> {
  const context = requestContext(c, services.clock)
  const parameters = await readParameters(c.req.raw)
  const grantType = parameters.require('grant_type')
  const credentials = parseClientCredentials(c.req.header('Authorization') ?? null, parameters)
  const client = await authenticateClient(credentials, services.clients, context)
  const api = requireApi(client, services.config)
  allowClientOrigin(c, client)
  const grant = requireGrant(grantType, services.config)
  if (!grant.isAllowed(client)) throw unauthorizedClient(`${client.id} may not use ${grant.type}`)
  return respondPrivately(c, await grant.run({ client, api, parameters, context }, services))
}

function requireApi(client: Client, config: Config): ApiConfig {
  const api = config.apis.get(client.api)
  if (!api) throw invalidClient(`${client.id} belongs to "${client.api}", which config.yml does not have`)
  return api
}

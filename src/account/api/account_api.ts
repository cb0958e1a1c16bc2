import { type Context, Hono } from 'hono'
import { firstApiOf } from '../../clients/account_client.ts'
import type { ClientRequest } from '../../clients/client_request.ts'
import { ACCOUNT_API_PATH } from '../../config/account_path.ts'
import { accountsOf } from '../../config/pool_settings.ts'
import { addEndpoints } from '../../endpoints/add_endpoints.ts'
import { type Endpoint, JSON_FORMAT } from '../../endpoints/endpoint.ts'
import { readJsonObject } from '../../http/read_parameters.ts'
import { requestContext } from '../../http/request_context.ts'
import { Responses } from '../../http/responses.ts'
import { runAsClient } from '../../http/run_as_client.ts'
import { notFound, unauthorizedClient } from '../../oauth/errors.ts'
import type { ManagementServices } from '../../services/management_services.ts'
import { spendChange } from '../operations/account_call.ts'
import type { ApiCall, ApiOperation, ClientOperation, UserOperation } from './api_operation.ts'
import { refuseAsOAuth } from './api_refusals.ts'
import { authenticateUser, authorizeUser } from './authenticate_user.ts'
import { API_OPERATIONS } from './operations.ts'

/** Creates the JSON API of the account of a user. */
export function createAccountApi(services: ManagementServices): Hono {
  const responses = new Responses(services.config)
  const app = new Hono()
  addEndpoints(app, endpointsOf(API_OPERATIONS, services), { services, responses })
  app.notFound((c) => responses.error(c, notFound()))
  return app
}

/** The endpoints of some operations: one for each path. */
function endpointsOf(operations: readonly ApiOperation[], services: ManagementServices): Endpoint[] {
  const paths = [...new Set(operations.map(({ path }) => path))]
  return paths.map((path) => {
    const methods = operations
      .filter((operation) => operation.path === path)
      .map((operation) => [operation.method, createHandler(operation, services)])
    const route = ACCOUNT_API_PATH + path.replaceAll(/\{(\w+)\}/g, ':$1')
    return { path: route, format: JSON_FORMAT, methods: Object.fromEntries(methods) }
  })
}

function createHandler(
  operation: ApiOperation,
  services: ManagementServices,
): NonNullable<Endpoint['methods']['GET']> {
  return (_, responses) => async (c) => {
    const pool = requirePool(c, services)
    const body = await refuseAsOAuth(() =>
      operation.caller === 'client'
        ? runForClient(operation, c, { pool, services })
        : runForUser(operation, c, { pool, services }),
    )
    return body === undefined ? responses.empty() : responses.private(body, operation.status)
  }
}

/** @throws OAuthError 404 for an unknown pool, and for a pool without `self_service` */
function requirePool(c: Context, { config }: ManagementServices): string {
  const pool = c.req.param('pool') ?? ''
  if (firstApiOf(pool, config) === null || !accountsOf(pool, config).selfService) throw notFound()
  return pool
}

interface Where {
  pool: string
  services: ManagementServices
}

/** The client authenticates as at the token endpoint. */
function runForClient(
  { members: [required = ''], run }: ClientOperation,
  c: Context,
  { pool, services }: Where,
): Promise<object | undefined> {
  const runChecked = (request: ClientRequest) => {
    const { client, api } = request
    if (api.userPool !== pool || !client.isFirstParty)
      throw unauthorizedClient(`${client.id} is no first-party client of the pool`)
    return run({ pool, request, services })
  }
  return runAsClient(c, services, { required, run: runChecked })
}

async function runForUser(
  operation: UserOperation,
  c: Context,
  { pool, services }: Where,
): Promise<object | undefined> {
  const begun = requestContext(c, services.clock)
  // Reads the keys in parallel with the body.
  services.keys.prepare(begun)
  const body = operation.members.length === 0 ? null : await readJsonObject(c.req.raw)
  // The time of a request is the time when its body ends, because a caller may send the body slowly.
  const context = requestContext(c, services.clock)
  const where = { pool, services, context }
  const { user, claims } = await authenticateUser(c, where)
  authorizeUser({ user, claims }, operation, where)
  const isOwn = ({ audience }: { audience: string }) => audience === claims.audience
  const api = [...services.config.apis.values()].find(isOwn)
  if (api === undefined) throw notFound()
  const call: ApiCall = {
    ...where,
    api,
    clientId: claims.clientId,
    sid: claims.sid,
    params: c.req.param(),
    signedIn: { user, session: null },
  }
  if (operation.method !== 'GET') await spendChange(call)
  return operation.run(call, body)
}

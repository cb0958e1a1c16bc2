import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { routePath } from 'hono/route'
import type { ApiConfig } from '../config/config.ts'
import { MAX_BODY_BYTES } from '../http/handlers.ts'
import { requestContext } from '../http/request_context.ts'
import { protectResponses } from '../http/security_headers.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import type { ManagementServices } from '../services/management_services.ts'
import { moveUserEvents } from '../users/move_user_events.ts'
import { ADMIN_PATH, OPENAPI_PATH } from './admin_path.ts'
import { authenticateCaller, authorize } from './authenticate_caller.ts'
import { spendChange, spendRequest, spendSearch } from './caller_budget.ts'
import { CONFIRMATION_HEADER, requireConfirmation } from './confirmation.ts'
import { readIdempotencyKey } from './idempotency.ts'
import { readOpenApi } from './openapi_file.ts'
import type { Caller, Operation, OperationResult } from './operation.ts'
import { OPERATIONS } from './operations.ts'
import { Problem } from './problem.ts'
import { check, formatEtag, readBody, readQuery, readVersions } from './read_input.ts'
import { respondEmpty, respondJson, respondWithProblem } from './respond.ts'

/** If the body takes longer than this time, the server reads the caller from the database again. */
const SLOW_BODY_SECONDS = 5

/** The admin API. It handles every path below ADMIN_PATH. */
export function createAdminApp(services: ManagementServices, api: ApiConfig): Hono {
  const app = new Hono()
  app.use(protectResponses(services.config.issuer), (_c, next) => services.inFlight.during(next))
  app.get(OPENAPI_PATH, async (c) =>
    respondJson(c, await readOpenApi(services.staticFiles, services.config.issuer), 200),
  )
  for (const operation of OPERATIONS) {
    app.on(operation.method, routeOf(operation.path), limitBody(operation), (c) =>
      runOperation(c, operation, { services, api }),
    )
  }
  for (const path of new Set([OPENAPI_PATH, ...OPERATIONS.map((operation) => operation.path)])) {
    app.all(routeOf(path), () => refuseMethod(path))
  }
  app.all('*', () => {
    throw new Problem('not-found', { detail: 'The path does not exist.' })
  })
  // The log gets the path of the route, because a parameter can contain any text of the caller.
  app.onError((error, c) => respondWithProblem(c, error, routePath(c)))
  return app
}

/** The checks of every operation. */
const STEPS = { check, requireConfirmation, spendSearch, spendChange }

/** A path with parameters in Hono's syntax. */
function routeOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

/** The steps of every operation. */
async function runOperation(
  c: Context,
  operation: Operation,
  { services, api }: { services: ManagementServices; api: ApiConfig },
): Promise<Response> {
  const begun = requestContext(c, services.clock)
  const first = await requireCaller(c, operation, { services, api, context: begun })
  const versions = readVersions(c, operation)
  const idempotencyKey = readIdempotencyKey(c, operation)
  const input = { query: readQuery(c, operation), body: await readBody(c, operation) }
  // The time of a request is the time when its body ends, so that rights removed before do not count.
  const context = requestContext(c, services.clock)
  const isSlow = context.now - begun.now > SLOW_BODY_SECONDS
  const caller = isSlow ? await requireCaller(c, operation, { services, api, context }) : first
  const confirmation = c.req.header(CONFIRMATION_HEADER) ?? null
  const call = { caller, params: c.req.param(), versions, confirmation, idempotencyKey, context, services }
  const result = await operation.run(call, input, STEPS)
  if (operation.method !== 'GET') runLater(context, 'move user events', () => moveUserEvents(services))
  return respond(c, operation, result)
}

/** The caller, if the role or the scope allows the operation. @throws Problem 401, 403, 429 */
async function requireCaller(
  c: Context,
  operation: Operation,
  { services, api, context }: { services: ManagementServices; api: ApiConfig; context: RequestContext },
): Promise<Caller> {
  const caller = await authenticateCaller(c, services, { api, context })
  await spendRequest(caller, { services })
  authorize(caller, operation, services.config)
  return caller
}

function respond(
  c: Context,
  { status }: Operation,
  { body, version, location }: OperationResult<unknown>,
): Response {
  if (version !== undefined) c.header('ETag', formatEtag(version))
  if (location !== undefined) c.header('Location', ADMIN_PATH + location)
  return status === 204 ? respondEmpty(c) : respondJson(c, body, status)
}

function refuseMethod(path: string): never {
  const methods = OPERATIONS.filter((operation) => operation.path === path).map(({ method }) => method)
  const allowed = methods.length === 0 || methods.includes('GET') ? ['GET', 'HEAD', ...methods] : methods
  const allow = [...new Set(allowed)].join(', ')
  throw new Problem('method-not-allowed', {
    detail: `The path has the methods ${allow}.`,
    headers: { Allow: allow },
  })
}

function limitBody({ maxBodyBytes = MAX_BODY_BYTES }: Operation) {
  return bodyLimit({
    maxSize: maxBodyBytes,
    onError: () => {
      throw new Problem('content-too-large', {
        detail: `The body can have at most ${maxBodyBytes / 1024} KiB.`,
      })
    },
  })
}

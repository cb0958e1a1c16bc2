import type { Context } from 'hono'
import { addressPrefix } from '../lib/address_prefix.ts'
import type { Clock } from '../lib/clock.ts'
import type { RequestContext } from '../lib/request_context.ts'

/** The moment of a request, where it comes from, and the way to work on after its answer. */
export function requestContext(c: Context, clock: Clock): RequestContext {
  const { cf } = c.req.raw as Request<unknown, IncomingRequestCfProperties>
  return {
    now: clock.now(),
    addressPrefix: addressPrefix(c.req.header('CF-Connecting-IP')),
    continent: cf?.continent ?? null,
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  }
}

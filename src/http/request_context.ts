import type { Context } from 'hono'
import { addressPrefix, countedAddress } from '../lib/address_prefix.ts'
import type { Clock } from '../lib/clock.ts'
import type { RequestContext } from '../lib/request_context.ts'

/** The moment of a request, where it comes from, and the way to work on after its response. */
export function requestContext(c: Context, clock: Clock): RequestContext {
  return {
    now: clock.now(),
    // Each looked at where it is needed: from one moment to the next they do not change.
    get addressPrefix() {
      return addressPrefix(c.req.header('CF-Connecting-IP'))
    },
    get address() {
      return countedAddress(c.req.header('CF-Connecting-IP'))
    },
    get continent() {
      const { cf } = c.req.raw as Request<unknown, IncomingRequestCfProperties>
      return cf?.continent ?? null
    },
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  }
}

import type { Context } from 'hono'
import { addressPrefix, countedAddress } from '../lib/address_prefix.ts'
import type { Clock } from '../lib/clock.ts'
import type { RequestContext } from '../lib/request_context.ts'

const CONTEXT_KEY = 'requestContext'

/** The moment of a request, where it comes from, and the way to work on after its answer: made once a request. */
export function requestContext(c: Context, clock: Clock): RequestContext {
  const known = c.get(CONTEXT_KEY)
  if (known) return known
  const context = createContext(c, clock)
  c.set(CONTEXT_KEY, context)
  return context
}

function createContext(c: Context, clock: Clock): RequestContext {
  const { cf } = c.req.raw as Request<unknown, IncomingRequestCfProperties>
  return {
    now: clock.now(),
    addressPrefix: addressPrefix(c.req.header('CF-Connecting-IP')),
    address: countedAddress(c.req.header('CF-Connecting-IP')),
    continent: cf?.continent ?? null,
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  }
}

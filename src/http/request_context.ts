import type { Context } from 'hono'
import type { Clock } from '../lib/clock.ts'
import type { RequestContext } from '../lib/request_context.ts'

/** The moment of a request, and the way to work on after its answer. */
export function requestContext(c: Context, clock: Clock): RequestContext {
  return { now: clock.now(), waitUntil: (work) => c.executionCtx.waitUntil(work) }
}

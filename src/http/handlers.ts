import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { etag, RETAINED_304_HEADERS } from 'hono/etag'
import { bodyTooLarge } from '../oauth/errors.ts'
import type { Responses } from './responses.ts'
import { PROTECTIVE_HEADERS } from './security_headers.ts'

/** Answers a request. What it throws is a refusal. */
export type Handler = (c: Context) => Response | Promise<Response>

export const MAX_BODY_BYTES = 16 * 1024

/**
 * Has a middleware of Hono around what needs it, such as a request of a page. Any other request meets the handler alone: a
 * chain of middleware costs more than a response from memory.
 */
export function when(
  where: (c: Context) => boolean,
  middleware: MiddlewareHandler,
  handler: Handler,
): Handler {
  const wrapped = wrap(middleware, handler)
  return (c) => (where(c) ? wrapped(c) : handler(c))
}

/** Has a middleware of Hono around a response. */
export function wrap(middleware: MiddlewareHandler, handler: Handler): Handler {
  return async (c) => {
    const early = await middleware(c, async () => {
      c.res = await handler(c)
    })
    if (early) c.res = early
    return c.res
  }
}

/** The response, or the one to what was thrown instead. */
export function orError(responses: Responses, handler: Handler): Handler {
  return async (c) => {
    try {
      return await handler(c)
    } catch (error) {
      return responses.error(c, error)
    }
  }
}

/** 413 for a body that is too large: by what it says of itself, and where that does not count by what it has. */
export function limitBody(handler: Handler): Handler {
  const limit = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw bodyTooLarge()
    },
  })
  const counted = when(isUnmeasured, limit, handler)
  return (c) => {
    if (Number(c.req.header('Content-Length')) > MAX_BODY_BYTES) throw bodyTooLarge()
    return counted(c)
  }
}

/** Whoever sends both lengths and chunks is read by the chunks (RFC 9112 §6.3). */
function isUnmeasured({ req }: Context): boolean {
  return req.header('Content-Length') === undefined || req.header('Transfer-Encoding') !== undefined
}

/** 304 where the caller has the response already (RFC 9110 §13.1.2). */
export function revalidate(handler: Handler): Handler {
  const kept = ['age', 'access-control-allow-origin', ...PROTECTIVE_HEADERS]
  const compare = etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...kept] })
  return when((c) => c.req.header('If-None-Match') !== undefined, compare, handler)
}

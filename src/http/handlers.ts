import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { etag, RETAINED_304_HEADERS } from 'hono/etag'
import { bodyTooLarge } from '../oauth/errors.ts'
import { PROTECTIVE_HEADERS } from './security_headers.ts'

/** Handles a request. A thrown error refuses the request. */
export type Handler = (c: Context) => Response | Promise<Response>

export const MAX_BODY_BYTES = 16 * 1024

/**
 * Applies a middleware of Hono only to some requests, for example to requests with `Origin`. The reason is speed: a chain of
 * middleware takes more time than a response from memory.
 */
export function when(
  condition: (c: Context) => boolean,
  middleware: MiddlewareHandler,
  handler: Handler,
): Handler {
  const wrapped = wrap(middleware, handler)
  return (c) => (condition(c) ? wrapped(c) : handler(c))
}

/** Applies a middleware of Hono to a handler. */
export function wrap(middleware: MiddlewareHandler, handler: Handler): Handler {
  return async (c) => {
    const early = await middleware(c, async () => {
      c.res = await handler(c)
    })
    if (early) c.res = early
    return c.res
  }
}

/** Catches the errors of a handler and writes the responses to them. */
export function catchErrors(
  handler: Handler,
  writeError: (c: Context, thrown: unknown) => Response | Promise<Response>,
): Handler {
  return async (c) => {
    try {
      return await handler(c)
    } catch (error) {
      return writeError(c, error)
    }
  }
}

/** Refuses a body that is too large with 413, by its Content-Length or, without a valid one, by its bytes. */
export function limitBody(handler: Handler): Handler {
  const limit = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw bodyTooLarge()
    },
  })
  const counted = when(hasUnknownLength, limit, handler)
  return (c) => {
    if (Number(c.req.header('Content-Length')) > MAX_BODY_BYTES) throw bodyTooLarge()
    return counted(c)
  }
}

/** Transfer-Encoding overrides Content-Length (RFC 9112 §6.3). */
function hasUnknownLength({ req }: Context): boolean {
  return req.header('Content-Length') === undefined || req.header('Transfer-Encoding') !== undefined
}

/** Responds with 304 if the caller's ETag is current (RFC 9110 §13.1.2). */
export function revalidate(handler: Handler): Handler {
  const kept = ['age', 'access-control-allow-origin', ...PROTECTIVE_HEADERS]
  const compare = etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...kept] })
  return when((c) => c.req.header('If-None-Match') !== undefined, compare, handler)
}

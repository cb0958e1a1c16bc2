import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { etag, RETAINED_304_HEADERS } from 'hono/etag'
import { bodyTooLarge } from '../oauth/errors.ts'
import type { Answers } from './answers.ts'
import { PROTECTIVE_HEADERS } from './security_headers.ts'

/** Answers a request. What it throws is a refusal. */
export type Answer = (c: Context) => Response | Promise<Response>

export const MAX_BODY_BYTES = 16 * 1024

/**
 * Has a middleware of Hono around what needs it, such as a request of a page. Any other request meets the handler alone: a
 * chain of middleware costs more than an answer from memory.
 */
export function only(where: (c: Context) => boolean, middleware: MiddlewareHandler, answer: Answer): Answer {
  const answerThrough = through(middleware, answer)
  return (c) => (where(c) ? answerThrough(c) : answer(c))
}

/** Has a middleware of Hono around an answer. */
export function through(middleware: MiddlewareHandler, answer: Answer): Answer {
  return async (c) => {
    const early = await middleware(c, async () => {
      c.res = await answer(c)
    })
    if (early) c.res = early
    return c.res
  }
}

/** The answer, or the one to what was thrown instead. */
export function orError(answers: Answers, answer: Answer): Answer {
  return async (c) => {
    try {
      return await answer(c)
    } catch (error) {
      return answers.error(c, error)
    }
  }
}

/** 413 for a body that is too large: by what it says of itself, and where that does not count by what it has. */
export function limitBody(answer: Answer): Answer {
  const limit = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw bodyTooLarge()
    },
  })
  const counted = only(isUnmeasured, limit, answer)
  return (c) => {
    if (Number(c.req.header('Content-Length')) > MAX_BODY_BYTES) throw bodyTooLarge()
    return counted(c)
  }
}

/** Whoever sends both lengths and chunks is read by the chunks (RFC 9112 §6.3). */
function isUnmeasured({ req }: Context): boolean {
  return req.header('Content-Length') === undefined || req.header('Transfer-Encoding') !== undefined
}

/** 304 where the caller has the answer already (RFC 9110 §13.1.2). */
export function revalidate(answer: Answer): Answer {
  const kept = ['age', 'access-control-allow-origin', ...PROTECTIVE_HEADERS]
  const compare = etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...kept] })
  return only((c) => c.req.header('If-None-Match') !== undefined, compare, answer)
}

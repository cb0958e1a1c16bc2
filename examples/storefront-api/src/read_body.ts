import type { HonoRequest, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'

export const limitBody = bodyLimit({
  maxSize: 1024,
  onError: (c) => c.json({ error: 'the_body_is_too_large' }, 413),
})

/**
 * Receives the whole body before the next middleware verifies the token. Otherwise a client could send the headers, wait until its
 * token is revoked, and then send the body.
 */
export const receiveBody: MiddlewareHandler = async (c, next) => {
  await c.req.text()
  await next()
}

/** The members of a JSON object; empty for any other body. The caller checks each member. */
export async function readBody(request: HonoRequest): Promise<Record<string, unknown>> {
  const body: unknown = await request.json().catch(() => null)
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? { ...body } : {}
}

import type { Env, Hono } from 'hono'

/** Adds the paths of an app. The first request for one of them creates the app, so that other requests do not wait for it. */
export function addAtFirstRequest<E extends Env>(
  app: Hono<E>,
  paths: readonly string[],
  create: () => Hono,
): void {
  let made: Hono | null = null
  for (const path of paths) {
    app.all(path, (c) => {
      made ??= create()
      return made.fetch(c.req.raw, c.env, c.executionCtx)
    })
  }
}

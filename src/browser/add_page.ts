import type { Context, Hono } from 'hono'
import { METHOD_NOT_ALLOWED, PageError } from '../pages/page_error.tsx'

type PageHandler = (c: Context) => Response | Promise<Response>

/** The handlers of a path. */
interface PageMethods {
  GET?: PageHandler | undefined
  POST?: PageHandler | undefined
}

/** Adds the methods of a path. Other methods get 405 (RFC 9110 §15.5.6). */
export function addPage(app: Hono, path: string, { GET, POST }: PageMethods): void {
  if (GET) app.get(path, GET)
  if (POST) app.post(path, POST)
  const allow = [...(GET ? ['GET', 'HEAD'] : []), ...(POST ? ['POST'] : [])]
  app.all(path, (c) => {
    c.header('Allow', allow.join(', '))
    throw new PageError(METHOD_NOT_ALLOWED)
  })
}

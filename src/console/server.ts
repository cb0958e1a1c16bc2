import type { Context } from 'hono'
import { compact } from '../lib/compact.ts'

/** The whole server, called in process: the console is one of its clients. */
export type Server = (request: Request, c: Context) => Response | Promise<Response>

/**
 * Calls the server as the browser's network would, so that limits and audit events tell where the operator is. Nothing
 * else of the browser's request goes along.
 */
export async function callServer(
  server: Server,
  c: Context,
  url: string,
  { headers = {}, ...init }: RequestInit & { headers?: Record<string, string> },
): Promise<Response> {
  const address = c.req.header('CF-Connecting-IP')
  const { cf } = c.req.raw
  return server(
    new Request(
      url,
      compact({
        ...init,
        headers: compact({ ...headers, 'CF-Connecting-IP': address }),
        cf,
      }),
    ),
    c,
  )
}

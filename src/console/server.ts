import type { Context } from 'hono'
import { compact } from '../lib/compact.ts'

/** The whole server. The console calls it in the same process, as one of its clients. */
export type Server = (request: Request, c: Context) => Response | Promise<Response>

/**
 * Calls the server with the address and the network of the browser's request. Rate limits and audit events then count for
 * the operator's network. No other part of the browser's request is passed on.
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

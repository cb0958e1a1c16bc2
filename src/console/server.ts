import type { Context } from 'hono'
import { compact } from '../lib/compact.ts'

/** The server: the admin API, and the token service through `server` in the bindings of the request. */
export type Server = (request: Request, c: Context) => Response | Promise<Response>

/** Calls the server. Limits and audit events get the browser's IP address, location and User-Agent. No other header of
 * the browser is sent. */
export async function callServer(
  server: Server,
  c: Context,
  url: string,
  { headers = {}, ...init }: RequestInit & { headers?: Record<string, string> },
): Promise<Response> {
  const address = c.req.header('CF-Connecting-IP')
  const userAgent = c.req.header('User-Agent')
  const { cf } = c.req.raw
  return server(
    new Request(
      url,
      compact({
        ...init,
        headers: compact({ ...headers, 'CF-Connecting-IP': address, 'User-Agent': userAgent }),
        cf,
      }),
    ),
    c,
  )
}

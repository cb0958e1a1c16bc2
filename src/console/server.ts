import type { Context } from 'hono'
import { compact } from '../lib/compact.ts'

/** The server, called in process. The console is one of its clients. */
export type Server = (request: Request, c: Context) => Response | Promise<Response>

/** Calls the server with the address and location of the browser, for limits and audit events, and nothing else of it. */
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

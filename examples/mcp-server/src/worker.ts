import { env } from 'cloudflare:workers'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { createVerifier, TokenError } from '@sallyport/verify'
import { resourceMetadata } from '@sallyport/verify/hono'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'
import { scopesOf } from './message_scopes.ts'
import { createShopServer } from './shop_server.ts'

const { ISSUER, AUDIENCE } = env

// One verifier for the isolate. A user who withdraws a consent expects the end of the access, so it polls every second.
const verifier = createVerifier({
  issuer: ISSUER,
  audience: AUDIENCE,
  realm: ISSUER,
  resourceMetadata: { name: 'Slow Pour', scopes: ['catalog', 'cart', 'orders'] },
  revocations: { pollSeconds: 1 },
  dpop: 'allowed',
})

const limitBody = bodyLimit({
  maxSize: 64 * 1024,
  onError: (c) => c.json({ error: 'the_body_is_too_large' }, 413),
})

const app = new Hono<{ Bindings: Cloudflare.Env }>()

app.use(resourceMetadata(verifier))

// An agent in a page of any origin may call the server: it sends a token and no cookie.
app.use(cors({ origin: '*', exposeHeaders: ['WWW-Authenticate', 'DPoP-Nonce'], maxAge: 600 }))

app.get('/', (c) => c.text(`The MCP server of Slow Pour. Connect an agent to ${AUDIENCE}`))

/** The audience is the URL of the server (RFC 8707), so its path is the path of the requests. */
app.all(new URL(AUDIENCE).pathname, limitBody, async (c) => {
  const body: unknown = await c.req.json().catch(() => undefined)
  const waitUntil = (work: Promise<unknown>) => c.executionCtx.waitUntil(work)
  try {
    const { subject } = await verifier.verify(c.req.raw, { scope: scopesOf(body), waitUntil })
    // A client's own token has no user: its subject is the client.
    if (!subject.startsWith('user:')) return c.json({ error: 'not_a_user' }, 403)
    // The token stays here: MCP forbids to send it to another API.
    const handler = createMcpHandler(() => createShopServer({ db: c.env.DB, customer: subject }))
    return await handler.fetch(c.req.raw, { parsedBody: body })
  } catch (error) {
    if (error instanceof TokenError) return error.toResponse()
    throw error
  }
})

app.onError((error, c) => {
  console.error(error)
  return c.json({ error: 'server_error' }, 500)
})
app.notFound((c) => c.json({ error: 'not_found' }, 404))

export default app

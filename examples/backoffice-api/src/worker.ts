import { env } from 'cloudflare:workers'
import { createVerifier } from '@sallyport/verify'
import { requireToken, type TokenVariables } from '@sallyport/verify/hono'
import { Hono, type MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { limitBody, readBody, receiveBody } from './read_body.ts'
import { isOrderStatus, listCustomers, listOrders, setOrderStatus } from './store.ts'

const { ISSUER, AUDIENCE, SHOP_ORIGIN } = env

// The audience keeps the shop's tokens out. If the revocation feed cannot be read for a minute, this API refuses all tokens:
// a former employee must not get access.
const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, revocations: { whenStale: 'closed' } })

const app = new Hono<{ Bindings: Cloudflare.Env }>()

// The shop's page may read refusals, because the demo shows one.
app.use(
  cors({
    origin: SHOP_ORIGIN,
    allowMethods: ['GET'],
    allowHeaders: ['Authorization'],
    exposeHeaders: ['WWW-Authenticate'],
    maxAge: 600,
  }),
)

app.patch('*', limitBody, receiveBody)

app.get('/customers', requireToken(verifier, { scope: 'users' }), requireRole('clerk', 'admin'), async (c) =>
  c.json({ customers: await listCustomers(c.env.DB) }),
)

app.get('/orders', requireToken(verifier, { scope: 'orders' }), requireRole('clerk', 'admin'), async (c) =>
  c.json({ orders: await listOrders(c.env.DB) }),
)

app.patch('/orders/:id', requireToken(verifier, { scope: 'orders' }), requireRole('admin'), async (c) => {
  const { status } = await readBody(c.req)
  if (!isOrderStatus(status)) return c.json({ error: 'no_such_status' }, 400)
  const order = await setOrderStatus(c.env.DB, c.req.param('id'), status)
  return order === null ? c.json({ error: 'no_such_order' }, 404) : c.json(order)
})

app.onError((error, c) => {
  console.error(error)
  return c.json({ error: 'server_error' }, 500)
})
app.notFound((c) => c.json({ error: 'not_found' }, 404))

export default app

/** The scope says what the client may do. The roles say what the user may do. */
function requireRole(...roles: string[]): MiddlewareHandler<TokenVariables> {
  return async (c, next) => {
    if (!c.get('token').roles.some((role) => roles.includes(role))) {
      return c.json({ error: 'role_required', roles }, 403)
    }
    await next()
    return
  }
}

import { env } from 'cloudflare:workers'
import { createVerifier } from '@sallyport/verify'
import { requireToken, resourceMetadata } from '@sallyport/verify/hono'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { changeCart, readCart } from './cart_store.ts'
import { listProducts } from './catalog_store.ts'
import { findAddress, listOrders, placeOrder } from './order_store.ts'
import { limitBody, readBody, receiveBody } from './read_body.ts'
import { ucpOperations, ucpVerifier } from './ucp_operations.ts'

const { ISSUER, AUDIENCE, ORIGIN, CLIENT_ID, CLIENT_SECRET, SHOP_ORIGIN, PARTNER_ORIGIN } = env

// One verifier for the isolate. It keeps the issuer's keys and the revocation feed in memory.
const verifier = createVerifier({
  issuer: ISSUER,
  audience: AUDIENCE,
  realm: ISSUER,
  resourceMetadata: {
    name: 'Slow Pour storefront',
    scopes: ['cart', 'orders', 'catalog'],
    // In the demo the audience is at the origin of the token service, which does not serve this document.
    url: `${ORIGIN}/.well-known/oauth-protected-resource`,
  },
  introspection: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
})

const MAX_QUANTITY = 99
const ORDER_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const app = new Hono<{ Bindings: Cloudflare.Env }>()

// Before the CORS headers of this API: pages of any origin may read the documents.
app.use(resourceMetadata(verifier), resourceMetadata(ucpVerifier))

app.use(
  cors({
    origin: [SHOP_ORIGIN, PARTNER_ORIGIN],
    allowMethods: ['GET', 'PUT'],
    allowHeaders: ['Authorization', 'Content-Type', 'DPoP'],
    exposeHeaders: ['WWW-Authenticate', 'DPoP-Nonce'],
    maxAge: 600,
  }),
)

app.put('*', limitBody, receiveBody)

/** Guests, customers and machine clients with the scope can read the catalog. */
app.get('/catalog', requireToken(verifier, { scope: 'catalog' }), async (c) =>
  c.json({ products: await listProducts(c.env.DB) }),
)

app.get('/cart', requireToken(verifier, { scope: 'cart' }), async (c) => {
  const token = c.get('token')
  // A machine token has no session, so it has no cart.
  if (token.sid === null) return c.json({ error: 'not_a_user' }, 403)
  return c.json(await readCart(c.env.DB, { owner: token.subject, visitor: token.visitorId }))
})

/** Sets the quantity of a product in the cart; 0 removes it. A repeated request changes nothing. */
app.put('/cart/:sku', requireToken(verifier, { scope: 'cart' }), async (c) => {
  const token = c.get('token')
  if (token.sid === null) return c.json({ error: 'not_a_user' }, 403)
  const { quantity } = await readBody(c.req)
  if (!isQuantity(quantity)) return c.json({ error: 'quantity_must_be_0_to_99' }, 400)
  const line = { sku: c.req.param('sku'), quantity }
  const cart = await changeCart(c.env.DB, { owner: token.subject, visitor: token.visitorId }, line)
  return cart === null ? c.json({ error: 'no_such_product' }, 404) : c.json(cart)
})

app.get('/orders', requireToken(verifier, { scope: 'orders' }), async (c) => {
  const token = c.get('token')
  if (!isCustomer(token.subject)) return c.json({ error: 'not_a_customer' }, 403)
  return c.json({ orders: await listOrders(c.env.DB, token.subject) })
})

/**
 * Orders the cart. The caller chooses the id, so a repeated request places the order once. An order costs money, so a token that
 * was revoked a moment ago must not place one.
 */
app.put('/orders/:id', requireToken(verifier, { scope: 'orders', immediate: true }), async (c) => {
  const token = c.get('token')
  if (!isCustomer(token.subject)) return c.json({ error: 'not_a_customer' }, 403)
  const id = c.req.param('id')
  if (!ORDER_ID.test(id)) return c.json({ error: 'the_id_must_be_a_random_uuid' }, 400)
  const { totalCents } = await readBody(c.req)
  if (typeof totalCents !== 'number') return c.json({ error: 'the_total_is_missing' }, 400)
  const placedAt = Math.floor(Date.now() / 1000)
  const owner = { owner: token.subject, visitor: token.visitorId }
  const order = await placeOrder(c.env.DB, { ...owner, id, totalCents, placedAt })
  return order === null ? c.json({ error: 'the_cart_changed' }, 409) : c.json(order)
})

/** The address of an order is personal data, so it needs a second factor and a sign-in of the last ten minutes (RFC 9470). */
const addressToken = requireToken(verifier, {
  scope: 'orders',
  acrValues: ['urn:sallyport:2'],
  maxAgeSeconds: 600,
})
app.get('/orders/:id/address', addressToken, async (c) => {
  const address = await findAddress(c.env.DB, { id: c.req.param('id'), customer: c.get('token').subject })
  return address === null ? c.json({ error: 'no_such_order' }, 404) : c.json({ address })
})

app.route('/ucp', ucpOperations)

app.onError((error, c) => {
  console.error(error)
  return c.json({ error: 'server_error' }, 500)
})
app.notFound((c) => c.json({ error: 'not_found' }, 404))

export default app

function isQuantity(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_QUANTITY
}

/** Whether the subject is a user who signed in: not a guest and not a machine client. */
function isCustomer(subject: string): boolean {
  return subject.startsWith('user:')
}

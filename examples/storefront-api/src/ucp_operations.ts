import { env } from 'cloudflare:workers'
import { createVerifier, ucpBody } from '@sallyport/verify'
import { requireToken } from '@sallyport/verify/hono'
import { Hono } from 'hono'
import { readCart } from './cart_store.ts'
import { listOrders } from './order_store.ts'

const { ISSUER, UCP_AUDIENCE, UCP_CLIENT_ID, UCP_CLIENT_SECRET } = env

const READ_ORDERS = 'dev.ucp.shopping.order:read'
const MANAGE_CART = 'dev.ucp.shopping.cart:manage'
const UCP_VERSION = '2026-04-08'

/** Platforms have their own API in config.yml, so that their tokens cannot place orders in the shop. */
export const ucpVerifier = createVerifier({
  issuer: ISSUER,
  audience: UCP_AUDIENCE,
  realm: ISSUER,
  resourceMetadata: { name: 'Slow Pour for platforms', scopes: [READ_ORDERS, MANAGE_CART] },
  body: ucpBody({ version: UCP_VERSION }),
  introspection: { clientId: UCP_CLIENT_ID, clientSecret: UCP_CLIENT_SECRET },
  dpop: 'allowed',
})

/** The operations for platforms of the Universal Commerce Protocol. Each one refuses a revoked token at once, as UCP requires. */
export const ucpOperations = new Hono<{ Bindings: Cloudflare.Env }>()

ucpOperations.get('/orders', requireToken(ucpVerifier, { scope: READ_ORDERS, immediate: true }), async (c) =>
  c.json({ orders: await listOrders(c.env.DB, c.get('token').subject) }),
)

ucpOperations.get('/cart', requireToken(ucpVerifier, { scope: MANAGE_CART, immediate: true }), async (c) =>
  c.json(await readCart(c.env.DB, { owner: c.get('token').subject, visitor: null })),
)

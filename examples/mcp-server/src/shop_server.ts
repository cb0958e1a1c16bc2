import { McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { changeCart, readCart } from '../../storefront-api/src/cart_store.ts'
import { listProducts } from '../../storefront-api/src/catalog_store.ts'
import { listOrders } from '../../storefront-api/src/order_store.ts'

/** The user for whom an agent calls a tool. */
export interface Caller {
  db: D1Database
  /** The `sub` of the token. The API of the shop uses the same value, so the cart is the same. */
  customer: string
}

/** Makes the server for one request. @param caller The tools read and change only the data of this user */
export function createShopServer({ db, customer }: Caller): McpServer {
  const server = new McpServer({ name: 'slow-pour', title: 'Slow Pour', version: '1.0.0' })
  const cartOwner = { owner: customer, visitor: null }

  server.registerTool(
    'search_catalog',
    {
      description: 'Lists the products whose name or description contains the text. Prices are in cents.',
      inputSchema: z.object({ text: z.string().max(100).default('') }),
      annotations: { readOnlyHint: true },
    },
    async ({ text }) => {
      const words = text.toLowerCase()
      const products = await listProducts(db)
      return toResult({
        products: products.filter(({ name, description }) =>
          `${name} ${description}`.toLowerCase().includes(words),
        ),
      })
    },
  )

  server.registerTool(
    'view_cart',
    { description: 'Shows the cart of the user.', annotations: { readOnlyHint: true } },
    async () => toResult(await readCart(db, cartOwner)),
  )

  server.registerTool(
    'add_to_cart',
    {
      description: 'Sets the quantity of a product in the cart of the user; 0 removes the product.',
      inputSchema: z.object({ sku: z.string(), quantity: z.int().min(0).max(99) }),
      annotations: { idempotentHint: true },
    },
    async (line) => {
      const cart = await changeCart(db, cartOwner, line)
      return cart === null ? toFailure(`There is no product ${line.sku}.`) : toResult(cart)
    },
  )

  server.registerTool(
    'list_orders',
    { description: 'Lists the orders of the user, newest first.', annotations: { readOnlyHint: true } },
    async () => toResult({ orders: await listOrders(db, customer) }),
  )

  return server
}

function toResult(value: object) {
  return { content: [{ type: 'text' as const, text: JSON.stringify(value) }] }
}

function toFailure(text: string) {
  return { content: [{ type: 'text' as const, text }], isError: true }
}

import { type CartLine, type CartOwner, mergeVisitor } from './cart_store.ts'

export interface Order {
  id: string
  /** Unix seconds. */
  placedAt: number
  lines: CartLine[]
  totalCents: number
}

interface OrderRow extends Omit<Order, 'lines'> {
  lines: string
}

const COLUMNS = 'id, placed_at AS placedAt, lines, total_cents AS totalCents'

export async function listOrders(db: D1Database, customer: string): Promise<Order[]> {
  const select = db
    .prepare(`SELECT ${COLUMNS} FROM orders WHERE customer = ? ORDER BY placed_at DESC LIMIT 50`)
    .bind(customer)
  return (await select.all<OrderRow>()).results.map(toOrder)
}

/** The request for an order. */
export interface OrderRequest extends CartOwner {
  id: string
  /** The total that the customer saw. A cart with another total is not ordered. */
  totalCents: number
  /** Unix seconds. */
  placedAt: number
}

/** Places an order and empties the cart, or finds the order that was placed before. Null if the cart has another total. */
export async function placeOrder(db: D1Database, request: OrderRequest): Promise<Order | null> {
  const { id, owner: customer, totalCents, placedAt } = request
  const place = db
    .prepare(
      `INSERT INTO orders (id, customer, placed_at, lines, total_cents)
       SELECT ?1, ?2, ?3,
         json_group_array(json_object('sku', p.sku, 'name', p.name, 'priceCents', p.price_cents, 'quantity', l.quantity)),
         sum(p.price_cents * l.quantity) AS total
       FROM cart_lines l JOIN products p ON p.sku = l.sku WHERE l.owner = ?2 HAVING total = ?4
       ON CONFLICT DO NOTHING`,
    )
    .bind(id, customer, placedAt, totalCents)
  // Only if this request placed the order: a repeated request must not empty a cart that was filled later.
  const empty = db.prepare('DELETE FROM cart_lines WHERE owner = ? AND changes() > 0').bind(customer)
  const find = db.prepare(`SELECT ${COLUMNS} FROM orders WHERE id = ? AND customer = ?`).bind(id, customer)
  const results = await db.batch<OrderRow>([...mergeVisitor(db, request), place, empty, find])
  const row = results.at(-1)?.results[0]
  return row ? toOrder(row) : null
}

/** The address of an order of the customer. Null for another order. */
export async function findAddress(
  db: D1Database,
  { id, customer }: { id: string; customer: string },
): Promise<string | null> {
  const select = db.prepare('SELECT address FROM orders WHERE id = ? AND customer = ?').bind(id, customer)
  return select.first<string>('address')
}

function toOrder(row: OrderRow): Order {
  return { ...row, lines: JSON.parse(row.lines) }
}

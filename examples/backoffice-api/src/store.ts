const ORDER_STATUSES = ['open', 'packed', 'sent', 'cancelled'] as const
export type OrderStatus = (typeof ORDER_STATUSES)[number]

export interface Customer {
  id: string
  name: string
  email: string
}

export interface Order {
  id: string
  customer: string
  placedOn: string
  status: OrderStatus
  totalCents: number
}

const SELECT_ORDERS = `SELECT o.id, c.name AS customer, o.placed_on AS placedOn, o.status, o.total_cents AS totalCents
  FROM orders o JOIN customers c ON c.id = o.customer_id`

export function isOrderStatus(value: unknown): value is OrderStatus {
  return ORDER_STATUSES.some((status) => status === value)
}

export async function listCustomers(db: D1Database): Promise<Customer[]> {
  return (await db.prepare('SELECT id, name, email FROM customers ORDER BY name').all<Customer>()).results
}

export async function listOrders(db: D1Database): Promise<Order[]> {
  return (await db.prepare(`${SELECT_ORDERS} ORDER BY o.placed_on DESC, o.id`).all<Order>()).results
}

/** Null if the order does not exist. */
export async function setOrderStatus(db: D1Database, id: string, status: OrderStatus): Promise<Order | null> {
  const update = db.prepare('UPDATE orders SET status = ? WHERE id = ?').bind(status, id)
  const [, found] = await db.batch<Order>([update, db.prepare(`${SELECT_ORDERS} WHERE o.id = ?`).bind(id)])
  return found?.results[0] ?? null
}

/** The owner of a cart: the `sub` of the token, and the earlier guest of this customer (`visitor_id`). */
export interface CartOwner {
  owner: string
  visitor: string | null
}

export interface CartLine {
  sku: string
  name: string
  priceCents: number
  quantity: number
}

export interface Cart {
  lines: CartLine[]
  totalCents: number
}

export async function readCart(db: D1Database, { owner, visitor }: CartOwner): Promise<Cart> {
  const results = await db.batch<CartLine>([...mergeVisitor(db, { owner, visitor }), selectLines(db, owner)])
  return toCart(results.at(-1)?.results ?? [])
}

/** Sets the quantity of a product in the cart. Null if the product does not exist. */
export async function changeCart(
  db: D1Database,
  cartOwner: CartOwner,
  { sku, quantity }: { sku: string; quantity: number },
): Promise<Cart | null> {
  const { owner } = cartOwner
  const change =
    quantity === 0
      ? db.prepare('DELETE FROM cart_lines WHERE owner = ? AND sku = ?').bind(owner, sku)
      : db
          .prepare(
            `INSERT INTO cart_lines (owner, sku, quantity) SELECT ?1, sku, ?2 FROM products WHERE sku = ?3
             ON CONFLICT DO UPDATE SET quantity = excluded.quantity`,
          )
          .bind(owner, quantity, sku)
  const product = db.prepare('SELECT sku FROM products WHERE sku = ?').bind(sku)
  const statements = [...mergeVisitor(db, cartOwner), change, product, selectLines(db, owner)]
  const [known, lines] = (await db.batch<CartLine>(statements)).slice(-2)
  return known?.results.length ? toCart(lines?.results ?? []) : null
}

/**
 * Moves the guest's cart lines to the customer. `visitor_id` stays in the tokens of the session, so these statements run before
 * each access to the cart. After the first time no lines are left to move.
 */
export function mergeVisitor(db: D1Database, { owner, visitor }: CartOwner): D1PreparedStatement[] {
  if (visitor === null) return []
  return [
    db
      .prepare(
        `INSERT INTO cart_lines (owner, sku, quantity) SELECT ?1, sku, quantity FROM cart_lines WHERE owner = ?2
         ON CONFLICT DO UPDATE SET quantity = min(99, quantity + excluded.quantity)`,
      )
      .bind(owner, visitor),
    db.prepare('DELETE FROM cart_lines WHERE owner = ?').bind(visitor),
  ]
}

function selectLines(db: D1Database, owner: string): D1PreparedStatement {
  return db
    .prepare(
      `SELECT p.sku, p.name, p.price_cents AS priceCents, l.quantity
       FROM cart_lines l JOIN products p ON p.sku = l.sku WHERE l.owner = ? ORDER BY p.rowid`,
    )
    .bind(owner)
}

function toCart(lines: CartLine[]): Cart {
  return { lines, totalCents: lines.reduce((sum, line) => sum + line.priceCents * line.quantity, 0) }
}

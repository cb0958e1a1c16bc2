export interface Product {
  sku: string
  name: string
  description: string
  priceCents: number
}

export async function listProducts(db: D1Database): Promise<Product[]> {
  const select = db.prepare(
    'SELECT sku, name, description, price_cents AS priceCents FROM products ORDER BY rowid',
  )
  return (await select.all<Product>()).results
}

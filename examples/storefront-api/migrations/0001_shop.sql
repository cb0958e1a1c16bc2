CREATE TABLE products (
  sku TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  price_cents INTEGER NOT NULL CHECK (price_cents > 0)
) STRICT;

-- One line for each product in a cart. The owner is the `sub` of a guest or of a customer.
CREATE TABLE cart_lines (
  owner TEXT NOT NULL,
  sku TEXT NOT NULL REFERENCES products (sku),
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 99),
  PRIMARY KEY (owner, sku)
) STRICT;

-- The lines are copied with their names and prices: an order does not change when a product does.
CREATE TABLE orders (
  id TEXT PRIMARY KEY,
  customer TEXT NOT NULL,
  placed_at INTEGER NOT NULL,
  lines TEXT NOT NULL CHECK (json_valid(lines)),
  total_cents INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_by_customer ON orders (customer, placed_at);

INSERT INTO products (sku, name, description, price_cents) VALUES
  ('kettle', 'Gooseneck kettle', 'Pours where you look. Brushed steel, 0.9 l.', 7900),
  ('grinder', 'Hand grinder', 'Conical burrs, forty clicks from espresso to press.', 11900),
  ('dripper', 'Porcelain dripper', 'One to two cups, glazed in milk white.', 2900),
  ('filters', 'Paper filters', 'A hundred, unbleached, thick enough to rinse once.', 650),
  ('beans', 'Sidama beans', 'Washed, roasted on Tuesday. Bergamot and honey. 250 g.', 1450),
  ('mug', 'Stoneware mug', 'Heavy foot, thin lip. Holds 240 ml and the heat.', 2200),
  ('scale', 'Brewing scale', 'A tenth of a gram, and a timer that starts with the pour.', 5400),
  ('teapot', 'Glass teapot', 'For the afternoons without coffee. 600 ml.', 3600);

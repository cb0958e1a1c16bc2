CREATE TABLE customers (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE orders (
  id TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES customers (id),
  placed_on TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('open', 'packed', 'sent', 'cancelled')),
  total_cents INTEGER NOT NULL
) STRICT;

INSERT INTO customers (id, name, email) VALUES
  ('c1', 'Amanda Cole', 'amanda@example.com'),
  ('c2', 'Birgit Lund', 'birgit@example.com'),
  ('c3', 'Chidi Okafor', 'chidi@example.com');
INSERT INTO orders (id, customer_id, placed_on, status, total_cents) VALUES
  ('o1', 'c1', '2026-11-02', 'sent', 9350),
  ('o2', 'c2', '2026-11-19', 'packed', 11900),
  ('o3', 'c1', '2026-11-23', 'open', 2200),
  ('o4', 'c3', '2026-11-24', 'open', 6850);

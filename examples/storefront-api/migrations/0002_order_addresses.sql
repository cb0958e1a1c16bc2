-- The shop has no form for an address, so each order has the address of the example.
ALTER TABLE orders ADD COLUMN address TEXT NOT NULL DEFAULT 'Amanda Peeters, Kraanlei 12, 9000 Ghent';

-- The public keys of clients that authenticate by a signed assertion. A client has `jwks` or `jwks_uri`, or neither.
ALTER TABLE clients ADD COLUMN jwks TEXT CHECK (json_valid(jwks));
ALTER TABLE clients ADD COLUMN jwks_uri TEXT;
ALTER TABLE clients ADD COLUMN assertion_audience TEXT NOT NULL DEFAULT 'issuer';
-- When an operator last removed a key or an address of keys. Unix seconds; NULL if never.
ALTER TABLE clients ADD COLUMN keys_removed_at INTEGER;

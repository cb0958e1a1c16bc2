-- When a signing key leaves the JWKS: after the last token that it signed has expired. Null while it may still sign.
ALTER TABLE signing_keys ADD COLUMN retires_at INTEGER;

-- Signing keys that are gone, without either half. A table of its own: whoever reads signing_keys, in whatever version,
-- finds only keys that may be published.
CREATE TABLE retired_keys (
  kid TEXT PRIMARY KEY,
  alg TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  activates_at INTEGER NOT NULL,
  retired_at INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('ended', 'compromised'))
) STRICT;

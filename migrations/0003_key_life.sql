-- When a signing key leaves the JWKS, after the last token that it signed has expired. Null while the key may still sign.
ALTER TABLE signing_keys ADD COLUMN retires_at INTEGER;

-- Retired signing keys, without key material. They have a separate table, so that every version of the code finds only
-- keys that may be published in signing_keys.
CREATE TABLE retired_keys (
  kid TEXT PRIMARY KEY,
  alg TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  activates_at INTEGER NOT NULL,
  retired_at INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('ended', 'compromised'))
) STRICT;

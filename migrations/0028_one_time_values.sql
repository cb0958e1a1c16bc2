-- Codes, links, challenges and sign-ins in steps: each is used at most once, over all locations. Times are Unix seconds.
CREATE TABLE one_time_values (
  -- SHA-256 of 256 random bits, in base64url. Only the receiver has the bits.
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  -- The keyed hash of a short code; null for a value without a code.
  code_hash TEXT,
  tries INTEGER NOT NULL DEFAULT 0,
  max_tries INTEGER NOT NULL,
  -- The encrypted data of the value.
  sealed TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  -- Null while the value can be used.
  used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX one_time_values_by_end ON one_time_values (expires_at);

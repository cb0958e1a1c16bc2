-- Failed sign-ins of all locations. Only a failure writes a row. Times are Unix seconds.
CREATE TABLE sign_in_failures (
  kind TEXT NOT NULL CHECK (kind IN ('account', 'address', 'client')),
  -- A keyed hash of the pool and the username, or of the address, or the id of a client.
  key TEXT NOT NULL,
  -- The number of failures since the last lock.
  failures INTEGER NOT NULL,
  -- The number of locks. Each lock is longer than the previous lock.
  locks INTEGER NOT NULL DEFAULT 0,
  locked_until INTEGER NOT NULL DEFAULT 0,
  -- When the row expires.
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_failures_by_end ON sign_in_failures (expires_at);

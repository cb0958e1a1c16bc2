-- Failed sign-ins, for all locations in one place. Written at failures alone. Times are Unix seconds.
CREATE TABLE sign_in_failures (
  kind TEXT NOT NULL CHECK (kind IN ('account', 'address', 'client')),
  -- A keyed hash of the pool and the name, or of the address; the id of a client.
  key TEXT NOT NULL,
  -- Since the last lock.
  failures INTEGER NOT NULL,
  -- How often it was locked: each lock is longer than the one before.
  locks INTEGER NOT NULL DEFAULT 0,
  locked_until INTEGER NOT NULL DEFAULT 0,
  -- When all of it is forgotten.
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_failures_by_end ON sign_in_failures (expires_at);

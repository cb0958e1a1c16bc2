-- Failed sign-ins are also counted for networks: a site is an IPv6 /56, a network an IPv6 /48 or an IPv4 /24. The table is
-- copied because SQLite cannot change a CHECK.
CREATE TABLE sign_in_failures_next (
  kind TEXT NOT NULL CHECK (kind IN ('account', 'address', 'site', 'network', 'client')),
  -- A keyed hash of the pool and the name, or of the address or network; the id of a client.
  key TEXT NOT NULL,
  -- Since the last lock.
  failures INTEGER NOT NULL,
  -- How often it was locked: each lock is longer than the one before.
  locks INTEGER NOT NULL DEFAULT 0,
  locked_until INTEGER NOT NULL DEFAULT 0,
  -- The last failure. A sign-in that succeeds does not change it.
  failed_at INTEGER NOT NULL DEFAULT 0,
  -- Of an account: the sessions that began within the last minute, as a JSON list. A lock ends them.
  sign_ins TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(sign_ins)),
  -- When the row is forgotten.
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
INSERT INTO sign_in_failures_next (kind, key, failures, locks, locked_until, expires_at)
  SELECT kind, key, failures, locks, locked_until, expires_at FROM sign_in_failures;
DROP TABLE sign_in_failures;
ALTER TABLE sign_in_failures_next RENAME TO sign_in_failures;
CREATE INDEX sign_in_failures_by_end ON sign_in_failures (expires_at);

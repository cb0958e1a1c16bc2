-- The table also counts failed sign-ins of networks. A site is an IPv6 /56. A network is an IPv6 /48 or an IPv4 /24. The
-- migration copies the table, because SQLite cannot change a CHECK.
CREATE TABLE sign_in_failures_next (
  kind TEXT NOT NULL CHECK (kind IN ('account', 'address', 'site', 'network', 'client')),
  -- A keyed hash of the pool and the username, or of the address or network, or the id of a client.
  key TEXT NOT NULL,
  -- The number of failures since the last lock.
  failures INTEGER NOT NULL,
  -- The number of locks. Each lock is longer than the previous lock.
  locks INTEGER NOT NULL DEFAULT 0,
  locked_until INTEGER NOT NULL DEFAULT 0,
  -- The time of the last failure. A successful sign-in does not change it.
  failed_at INTEGER NOT NULL DEFAULT 0,
  -- A JSON list of the account's sessions that started in the last minute. A lock of the account ends them.
  sign_ins TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(sign_ins)),
  -- When the row expires.
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
INSERT INTO sign_in_failures_next (kind, key, failures, locks, locked_until, expires_at)
  SELECT kind, key, failures, locks, locked_until, expires_at FROM sign_in_failures;
DROP TABLE sign_in_failures;
ALTER TABLE sign_in_failures_next RENAME TO sign_in_failures;
CREATE INDEX sign_in_failures_by_end ON sign_in_failures (expires_at);

-- A cut-off is kept until the last token that it ends has expired, and names the client of that token where it is known.
-- The kind "all" ends every token that was issued before a second: it takes the place of many older rows.
CREATE TABLE cutoffs_next (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('sid', 'sub', 'client_id', 'jti', 'all')),
  value TEXT NOT NULL,
  before INTEGER NOT NULL,
  reason TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  -- The latest exp of the tokens that it ends. The default is for the version of the Worker before this one, which does
  -- not write it during a deployment: an access token lives for a day at most.
  expires_at INTEGER NOT NULL DEFAULT (unixepoch() + 86460),
  -- Null where tokens of several clients end, or where an older version wrote the row.
  client_id TEXT,
  UNIQUE (kind, value)
) STRICT;
INSERT INTO cutoffs_next (id, kind, value, before, reason, created_at, expires_at, client_id)
  SELECT id, kind, value, before, reason, created_at, before + 86400, iif(kind = 'client_id', value, NULL)
  FROM cutoffs ORDER BY id;
DROP TABLE cutoffs;
ALTER TABLE cutoffs_next RENAME TO cutoffs;
CREATE INDEX cutoffs_by_end ON cutoffs (expires_at);

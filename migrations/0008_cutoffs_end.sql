-- A revocation is kept until the last token that it revokes has expired. It has the client of the tokens, if known.
-- The kind "all" revokes every token that was issued before a second. It replaces many older rows.
CREATE TABLE cutoffs_next (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('sid', 'sub', 'client_id', 'jti', 'all')),
  value TEXT NOT NULL,
  before INTEGER NOT NULL,
  reason TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  -- The latest exp of the revoked tokens. The default is for rows that the previous version writes during a deployment.
  -- An access token is valid for at most one day.
  expires_at INTEGER NOT NULL DEFAULT (unixepoch() + 86460),
  -- Null if the tokens belong to several clients, or if an older version wrote the row.
  client_id TEXT,
  UNIQUE (kind, value)
) STRICT;
INSERT INTO cutoffs_next (id, kind, value, before, reason, created_at, expires_at, client_id)
  SELECT id, kind, value, before, reason, created_at, before + 86400, iif(kind = 'client_id', value, NULL)
  FROM cutoffs ORDER BY id;
DROP TABLE cutoffs;
ALTER TABLE cutoffs_next RENAME TO cutoffs;
CREATE INDEX cutoffs_by_end ON cutoffs (expires_at);

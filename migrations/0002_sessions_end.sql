-- A session can end before it expires. A session without a refresh gets its row at its end, at seq 0.
CREATE TABLE sessions_next (
  sid TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  client_id TEXT NOT NULL,
  api TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq >= 0),
  started_at INTEGER NOT NULL,
  rotated_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  -- When the last token of the session has expired. Without the row, an older token could start the session again.
  -- The default is for rows that the previous version writes during a deployment. Such a row is kept.
  keep_until INTEGER NOT NULL DEFAULT 253402300799,
  ended_at INTEGER,
  end_reason TEXT
) STRICT;
INSERT INTO sessions_next (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until)
  SELECT sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, expires_at FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_next RENAME TO sessions;
CREATE INDEX sessions_by_end ON sessions (keep_until);

-- The entries of the revocation feed. An entry revokes the tokens of a session, subject, client or jti that were issued
-- before a second. The id only grows, so that a reader can distinguish a newer list from an older list.
CREATE TABLE cutoffs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('sid', 'sub', 'client_id', 'jti')),
  value TEXT NOT NULL,
  before INTEGER NOT NULL,
  reason TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (kind, value)
) STRICT;
CREATE INDEX cutoffs_by_age ON cutoffs (created_at);

-- A user's tokens that were issued before this second are revoked, after a sign-out, a new password or a disabled account.
ALTER TABLE users ADD COLUMN tokens_valid_from INTEGER NOT NULL DEFAULT 0;
-- The session that continues after the user changed the password, if the user requested it.
ALTER TABLE users ADD COLUMN kept_sid TEXT;
-- The tokens of that session that were issued before this second stay revoked.
ALTER TABLE users ADD COLUMN kept_from INTEGER NOT NULL DEFAULT 0;

-- A client's tokens that were issued before this second are revoked, for example after its secret leaked.
ALTER TABLE clients ADD COLUMN tokens_valid_from INTEGER NOT NULL DEFAULT 0;

-- The lifetimes in seconds; null for the lifetimes of the API. A client can have shorter lifetimes, but not longer ones.
ALTER TABLE clients ADD COLUMN access_token_lifetime INTEGER CHECK (access_token_lifetime >= 60);
ALTER TABLE clients ADD COLUMN refresh_token_lifetime INTEGER CHECK (refresh_token_lifetime >= 60);

-- Audit events, with the affected ids and the exact reason. An event has no token, password, secret or name.
CREATE TABLE audit_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'refused')),
  reason TEXT NOT NULL,
  api TEXT,
  client_id TEXT,
  subject TEXT,
  sid TEXT,
  address_prefix TEXT
) STRICT;
CREATE INDEX audit_events_by_time ON audit_events (at);
CREATE INDEX audit_events_by_subject ON audit_events (subject, at);
CREATE INDEX audit_events_by_session ON audit_events (sid, at);

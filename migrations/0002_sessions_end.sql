-- A session can end before its time. One that was never refreshed gets its row then, at seq 0.
CREATE TABLE sessions_next (
  sid TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  client_id TEXT NOT NULL,
  api TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq >= 0),
  started_at INTEGER NOT NULL,
  rotated_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  -- When the last of its tokens has expired: until then the row must stay, or an old token would begin it anew.
  -- (The default is for the version before this one, during a deployment: such a row is kept.)
  keep_until INTEGER NOT NULL DEFAULT 253402300799,
  ended_at INTEGER,
  end_reason TEXT
) STRICT;
INSERT INTO sessions_next (sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, keep_until)
  SELECT sid, subject, client_id, api, seq, started_at, rotated_at, expires_at, expires_at FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_next RENAME TO sessions;
CREATE INDEX sessions_by_end ON sessions (keep_until);

-- What the revocation feed lists: tokens of this session, subject, client or of this jti, issued before that second,
-- are dead. The id only grows, so that a reader can tell a newer list from an older one.
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

-- A person's tokens issued before this second are dead: sign out everywhere, a new password, a disabled account.
ALTER TABLE users ADD COLUMN tokens_valid_from INTEGER NOT NULL DEFAULT 0;
-- The one session that goes on all the same: that of the person who changed the password, where asked.
ALTER TABLE users ADD COLUMN kept_sid TEXT;
-- Its tokens issued before this second had died already, and stay dead.
ALTER TABLE users ADD COLUMN kept_from INTEGER NOT NULL DEFAULT 0;

-- A client's tokens issued before this second are dead: disabled, or its secret leaked.
ALTER TABLE clients ADD COLUMN tokens_valid_from INTEGER NOT NULL DEFAULT 0;

-- Seconds; null for those of the API. A client may have shorter lifetimes, never longer ones.
ALTER TABLE clients ADD COLUMN access_token_lifetime INTEGER CHECK (access_token_lifetime >= 60);
ALTER TABLE clients ADD COLUMN refresh_token_lifetime INTEGER CHECK (refresh_token_lifetime >= 60);

-- What happened, to whom and exactly why. No token, password or secret, and no name.
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

-- A session of the authorization code grant gets its row at the exchange of the code, at seq 0. The row names the browser session
-- and the consent under which the session began. Both are null for other sessions.
ALTER TABLE sessions ADD COLUMN browser_id TEXT;
ALTER TABLE sessions ADD COLUMN consent_id TEXT;
CREATE INDEX sessions_by_browser ON sessions (browser_id) WHERE browser_id IS NOT NULL;
CREATE INDEX sessions_by_consent ON sessions (consent_id) WHERE consent_id IS NOT NULL;

-- Browser sessions that ended before their cookie expires. A row is kept until the absolute end of its browser session.
CREATE TABLE ended_browser_sessions (
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  ended_at INTEGER NOT NULL,
  keep_until INTEGER NOT NULL
) STRICT;
CREATE INDEX ended_browser_sessions_by_end ON ended_browser_sessions (keep_until);

-- The consents of users to third-party clients. The id is a hash of subject, client, API and redirect URI.
CREATE TABLE consents (
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  client_id TEXT NOT NULL,
  api TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,
  scopes TEXT NOT NULL CHECK (json_valid(scopes)),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  -- Codes that were issued before this second are refused. A withdrawal moves it.
  valid_from INTEGER NOT NULL DEFAULT 0,
  -- Null while the consent is valid.
  withdrawn_at INTEGER
) STRICT;
CREATE INDEX consents_by_subject ON consents (subject);
CREATE INDEX consents_by_client ON consents (client_id);

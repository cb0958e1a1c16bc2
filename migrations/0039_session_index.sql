-- The sessions in session objects, for lists, logouts, withdrawals and erasures. The object of a session has its state. A refresh
-- changes no row here. The object adds the row after the first refresh; the exchange of a code adds it in its transaction.
CREATE TABLE session_index (
  sid TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  client_id TEXT NOT NULL,
  api TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  browser_id TEXT,
  consent_id TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX session_index_by_subject ON session_index (subject, started_at);
CREATE INDEX session_index_by_client ON session_index (client_id, started_at);
CREATE INDEX session_index_by_browser ON session_index (browser_id) WHERE browser_id IS NOT NULL;
CREATE INDEX session_index_by_consent ON session_index (consent_id) WHERE consent_id IS NOT NULL;

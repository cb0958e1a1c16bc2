-- The request that exchanged the code of the session. The server repeats an insertion whose response was lost, and finds its own row.
ALTER TABLE sessions ADD COLUMN opening_id TEXT;

-- The session of the customer into which the exchange of a code merged a guest's session. A repeated exchange finds its own merge.
ALTER TABLE sessions ADD COLUMN merged_into TEXT;

-- A deleted user leaves no consent and no ended browser session. The cron trigger removes the consents of deleted clients, because
-- a client can have many.
CREATE INDEX ended_browser_sessions_by_subject ON ended_browser_sessions (subject);
CREATE TRIGGER user_deleted AFTER DELETE ON users
BEGIN
  DELETE FROM consents WHERE subject = old.id;
  DELETE FROM ended_browser_sessions WHERE subject = old.id;
END;

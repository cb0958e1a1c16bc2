-- Erased users. The cron trigger replaces a subject by its pseudonym in audit events and sessions. A row stays until the last
-- token of the subject has expired, because a request with an old token writes another event.
CREATE TABLE erasures (
  -- The id of a user, or of a guest who became that user.
  subject TEXT PRIMARY KEY,
  -- Random, in the same format.
  pseudonym TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX erasures_by_end ON erasures (expires_at);

-- The event of a guest who signs in names the user in its reason.
CREATE INDEX audit_events_by_merge ON audit_events (reason) WHERE kind = 'merge';

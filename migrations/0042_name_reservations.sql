-- A username that a request is about to give to a user, in each database of the users of its pool. A request writes the user only if
-- its own token is still here. A later request can take over an expired row. Times are Unix seconds.
CREATE TABLE name_reservations (
  pool TEXT NOT NULL,
  username TEXT NOT NULL,
  token TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (pool, username)
) STRICT, WITHOUT ROWID;

-- The number of the last audit event that the main database has taken from each database of users.
CREATE TABLE moved_events (
  database TEXT PRIMARY KEY,
  event_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

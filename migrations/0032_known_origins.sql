-- The origins from which users have signed in. A sign-in from another origin sends a mail. Times are Unix seconds.
CREATE TABLE known_origins (
  subject TEXT NOT NULL,
  -- A keyed hash of the user, the client or the device, and the network. Equal origins of two users have different hashes.
  origin TEXT NOT NULL,
  -- The last sign-in from the origin, correct to a day.
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (subject, origin)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_origins_by_time ON known_origins (seen_at);

-- A deleted user leaves no origin.
CREATE TRIGGER user_deleted_origins AFTER DELETE ON users
BEGIN
  DELETE FROM known_origins WHERE subject = old.id;
END;

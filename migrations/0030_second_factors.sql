-- The second factors of users. Times are Unix seconds.

-- The authenticator app of a user (RFC 6238).
CREATE TABLE totp_factors (
  -- Random. An update names it, so that it does not change a later app of the user.
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL UNIQUE,
  -- Compact JWE of the secret. `sealed_by` names its key, so that the cron trigger finds the secrets to seal again.
  sealed_secret TEXT NOT NULL,
  sealed_by TEXT NOT NULL,
  -- The time step of the last accepted code. A code of this or an earlier step is refused.
  last_step INTEGER NOT NULL,
  confirmed_at INTEGER NOT NULL,
  last_used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX totp_factors_by_key ON totp_factors (sealed_by);

-- The hashes of the recovery codes of a user.
CREATE TABLE recovery_codes (
  subject TEXT NOT NULL,
  code_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at INTEGER,
  PRIMARY KEY (subject, code_hash)
) STRICT, WITHOUT ROWID;

-- A read of a user shows whether a second factor is necessary, without another table.
ALTER TABLE users ADD COLUMN has_totp INTEGER NOT NULL DEFAULT 0 CHECK (has_totp IN (0, 1));
CREATE TRIGGER totp_factor_added AFTER INSERT ON totp_factors
BEGIN
  UPDATE users SET has_totp = 1 WHERE id = new.subject;
END;
CREATE TRIGGER totp_factor_removed AFTER DELETE ON totp_factors
BEGIN
  UPDATE users SET has_totp = 0 WHERE id = old.subject;
END;

-- The table also counts wrong second factors. The migration copies the table, because SQLite cannot change a CHECK.
CREATE TABLE sign_in_failures_next (
  kind TEXT NOT NULL CHECK (kind IN ('account', 'address', 'site', 'network', 'client', 'second_factor')),
  -- A keyed hash of the pool and the username, or of the address or network, or the id of a client or, for a second factor, a user.
  key TEXT NOT NULL,
  failures INTEGER NOT NULL,
  locks INTEGER NOT NULL DEFAULT 0,
  locked_until INTEGER NOT NULL DEFAULT 0,
  failed_at INTEGER NOT NULL DEFAULT 0,
  sign_ins TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(sign_ins)),
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
INSERT INTO sign_in_failures_next (kind, key, failures, locks, locked_until, failed_at, sign_ins, expires_at)
  SELECT kind, key, failures, locks, locked_until, failed_at, sign_ins, expires_at FROM sign_in_failures;
DROP TABLE sign_in_failures;
ALTER TABLE sign_in_failures_next RENAME TO sign_in_failures;
CREATE INDEX sign_in_failures_by_end ON sign_in_failures (expires_at);
CREATE INDEX sign_in_failures_by_lock ON sign_in_failures (locked_until) WHERE kind = 'account' AND locked_until > 0;

-- A deleted user leaves no second factor.
CREATE TRIGGER user_deleted_factors AFTER DELETE ON users
BEGIN
  DELETE FROM totp_factors WHERE subject = old.id;
  DELETE FROM recovery_codes WHERE subject = old.id;
  DELETE FROM sign_in_failures WHERE kind = 'second_factor' AND key = old.id;
END;

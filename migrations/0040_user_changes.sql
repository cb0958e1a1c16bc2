-- The latest change of each user whose copies in session objects are outdated, by the id of the user. Session objects read the newest
-- rows every few seconds. The sweep removes a row after two days, because no copy is that old.
CREATE TABLE user_changes (
  -- The sequence only grows.
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT;

-- The copied columns. A new hash of the same password and the time of a check for breaches change no copy. A new user has no copy.
CREATE TRIGGER user_changed AFTER UPDATE OF pool, username, enabled, roles, must_change_password, has_totp, has_passkey,
  password_breached, deletion_at, tokens_valid_from, access_valid_from, profile, updated_at ON users
  WHEN NEW.pool IS NOT OLD.pool OR NEW.username IS NOT OLD.username OR NEW.enabled IS NOT OLD.enabled
    OR NEW.roles IS NOT OLD.roles OR NEW.must_change_password IS NOT OLD.must_change_password
    OR NEW.has_totp IS NOT OLD.has_totp OR NEW.has_passkey IS NOT OLD.has_passkey
    OR NEW.password_breached IS NOT OLD.password_breached OR NEW.deletion_at IS NOT OLD.deletion_at
    OR NEW.tokens_valid_from IS NOT OLD.tokens_valid_from OR NEW.access_valid_from IS NOT OLD.access_valid_from
    OR NEW.profile IS NOT OLD.profile OR NEW.updated_at IS NOT OLD.updated_at
BEGIN
  DELETE FROM user_changes WHERE name = NEW.id;
  INSERT INTO user_changes (name) VALUES (NEW.id);
END;

CREATE TRIGGER user_deleted_copies AFTER DELETE ON users
BEGIN
  DELETE FROM user_changes WHERE name = OLD.id;
  INSERT INTO user_changes (name) VALUES (OLD.id);
END;

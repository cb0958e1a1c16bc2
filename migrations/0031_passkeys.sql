-- The passkeys of users (WebAuthn Level 3 §4, credential record). Times are Unix seconds.
CREATE TABLE passkeys (
  -- Random and short, for addresses and audit events.
  id TEXT PRIMARY KEY,
  -- base64url of up to 1023 bytes.
  credential_id TEXT NOT NULL UNIQUE,
  subject TEXT NOT NULL,
  pool TEXT NOT NULL,
  -- The passkey works only under this relying party id.
  rp_id TEXT NOT NULL,
  -- The public JWK.
  public_key TEXT NOT NULL CHECK (json_valid(public_key)),
  alg TEXT NOT NULL,
  -- The signature counter. It is 0 for an authenticator without a counter.
  sign_count INTEGER NOT NULL,
  -- A JSON list of the transports by which a browser finds the authenticator.
  transports TEXT NOT NULL CHECK (json_valid(transports)),
  -- The user's name for the passkey.
  name TEXT NOT NULL,
  -- Whether the authenticator may copy the passkey to other devices, and whether it has done so.
  backup_eligible INTEGER NOT NULL CHECK (backup_eligible IN (0, 1)),
  backed_up INTEGER NOT NULL CHECK (backed_up IN (0, 1)),
  created_at INTEGER NOT NULL,
  last_used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_by_subject ON passkeys (subject, created_at);
-- A deployment finds passkeys of another relying party id than that of config.yml.
CREATE INDEX passkeys_by_rp_id ON passkeys (pool, rp_id);

-- A read of a user shows whether a passkey exists, without another table.
ALTER TABLE users ADD COLUMN has_passkey INTEGER NOT NULL DEFAULT 0 CHECK (has_passkey IN (0, 1));
CREATE TRIGGER passkey_added AFTER INSERT ON passkeys
BEGIN
  UPDATE users SET has_passkey = 1 WHERE id = new.subject AND has_passkey = 0;
END;
CREATE TRIGGER passkey_removed AFTER DELETE ON passkeys
BEGIN
  UPDATE users SET has_passkey = EXISTS (SELECT 1 FROM passkeys WHERE subject = old.subject) WHERE id = old.subject;
END;

-- A deleted user leaves no passkey.
CREATE TRIGGER user_deleted_passkeys AFTER DELETE ON users
BEGIN
  DELETE FROM passkeys WHERE subject = old.id;
END;

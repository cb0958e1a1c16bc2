-- The public keys of clients that authenticate by a signed assertion. A client has `jwks` or `jwks_uri`, or neither.
ALTER TABLE clients ADD COLUMN jwks TEXT CHECK (json_valid(jwks));
ALTER TABLE clients ADD COLUMN jwks_uri TEXT;
ALTER TABLE clients ADD COLUMN assertion_audience TEXT NOT NULL DEFAULT 'issuer';
-- When an operator last removed a key or an address of keys. Unix seconds; NULL if never.
ALTER TABLE clients ADD COLUMN keys_removed_at INTEGER;

-- A client with keys has no secret. The time is that of the change.
CREATE TRIGGER client_given_keys AFTER UPDATE OF jwks, jwks_uri ON clients
  WHEN NEW.jwks IS NOT NULL OR NEW.jwks_uri IS NOT NULL
BEGIN
  UPDATE client_secrets SET expires_at = coalesce(NEW.updated_at, unixepoch())
    WHERE client_id = NEW.client_id AND (expires_at IS NULL OR expires_at > coalesce(NEW.updated_at, unixepoch()));
END;

-- A public key is known by its modulus or its coordinate.
CREATE TRIGGER client_lost_keys AFTER UPDATE OF jwks, jwks_uri ON clients
  WHEN OLD.jwks_uri <> coalesce(NEW.jwks_uri, '')
    OR EXISTS (SELECT 1 FROM json_each(OLD.jwks, '$.keys') AS o
      WHERE coalesce(o.value ->> 'n', o.value ->> 'x') NOT IN
        (SELECT coalesce(k.value ->> 'n', k.value ->> 'x') FROM json_each(NEW.jwks, '$.keys') AS k))
BEGIN
  UPDATE clients SET keys_removed_at = coalesce(NEW.updated_at, unixepoch()) WHERE client_id = NEW.client_id;
END;

-- A change of any column by SQL makes the copies outdated, except the last use. So a later column needs no new trigger.
DROP TRIGGER client_changed;
CREATE TRIGGER client_changed AFTER UPDATE ON clients WHEN NEW.last_used_at IS OLD.last_used_at
BEGIN
  DELETE FROM copy_changes WHERE name = 'client:' || NEW.client_id;
  INSERT INTO copy_changes (name) VALUES ('client:' || NEW.client_id);
END;

-- The latest change of each record that has copies outside D1, by the name of the copy. Isolates read the newest rows every
-- few seconds and drop older copies. Triggers write the rows, so a change by SQL has the same effect as a change by the API.
CREATE TABLE copy_changes (
  -- The sequence only grows.
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE
) STRICT;

-- An isolate remembers for a while that an id has no client.
CREATE TRIGGER client_added AFTER INSERT ON clients
BEGIN
  DELETE FROM copy_changes WHERE name = 'client:' || NEW.client_id;
  INSERT INTO copy_changes (name) VALUES ('client:' || NEW.client_id);
END;

CREATE TRIGGER client_changed AFTER UPDATE OF name, api, grants, scopes, origins, confidential, enabled,
  access_token_lifetime, refresh_token_lifetime, tokens_valid_from, version ON clients
BEGIN
  DELETE FROM copy_changes WHERE name = 'client:' || NEW.client_id;
  INSERT INTO copy_changes (name) VALUES ('client:' || NEW.client_id);
END;

CREATE TRIGGER client_deleted AFTER DELETE ON clients
BEGIN
  DELETE FROM copy_changes WHERE name = 'client:' || OLD.client_id;
  INSERT INTO copy_changes (name) VALUES ('client:' || OLD.client_id);
END;

CREATE TRIGGER client_secret_added AFTER INSERT ON client_secrets
BEGIN
  DELETE FROM copy_changes WHERE name = 'client:' || NEW.client_id;
  INSERT INTO copy_changes (name) VALUES ('client:' || NEW.client_id);
END;

CREATE TRIGGER client_secret_changed AFTER UPDATE OF secret_hash, client_id, expires_at ON client_secrets
BEGIN
  DELETE FROM copy_changes WHERE name = 'client:' || NEW.client_id;
  INSERT INTO copy_changes (name) VALUES ('client:' || NEW.client_id);
END;

CREATE TRIGGER client_secret_deleted AFTER DELETE ON client_secrets
BEGIN
  DELETE FROM copy_changes WHERE name = 'client:' || OLD.client_id;
  INSERT INTO copy_changes (name) VALUES ('client:' || OLD.client_id);
END;

CREATE TRIGGER signing_key_added AFTER INSERT ON signing_keys
BEGIN
  DELETE FROM copy_changes WHERE name = 'keys';
  INSERT INTO copy_changes (name) VALUES ('keys');
END;

CREATE TRIGGER signing_key_changed AFTER UPDATE ON signing_keys
BEGIN
  DELETE FROM copy_changes WHERE name = 'keys';
  INSERT INTO copy_changes (name) VALUES ('keys');
END;

CREATE TRIGGER signing_key_deleted AFTER DELETE ON signing_keys
BEGIN
  DELETE FROM copy_changes WHERE name = 'keys';
  INSERT INTO copy_changes (name) VALUES ('keys');
END;

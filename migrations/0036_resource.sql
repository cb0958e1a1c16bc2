-- The APIs for which a client can get tokens in addition to its own, as a list of names.
ALTER TABLE clients ADD COLUMN additional_apis TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(additional_apis));

-- A change of the new columns by SQL also makes the copies outdated.
CREATE TRIGGER client_apis_changed AFTER UPDATE OF additional_apis ON clients
BEGIN
  DELETE FROM copy_changes WHERE name = 'client:' || NEW.client_id;
  INSERT INTO copy_changes (name) VALUES ('client:' || NEW.client_id);
END;

-- The settings of clients that sign users in by browser.
ALTER TABLE clients ADD COLUMN redirect_uris TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(redirect_uris));
ALTER TABLE clients ADD COLUMN post_logout_redirect_uris TEXT NOT NULL DEFAULT '[]'
  CHECK (json_valid(post_logout_redirect_uris));
ALTER TABLE clients ADD COLUMN first_party INTEGER NOT NULL DEFAULT 0 CHECK (first_party IN (0, 1));
ALTER TABLE clients ADD COLUMN require_pkce INTEGER NOT NULL DEFAULT 1 CHECK (require_pkce IN (0, 1));
ALTER TABLE clients ADD COLUMN id_token_signed_response_alg TEXT NOT NULL DEFAULT 'RS256';
ALTER TABLE clients ADD COLUMN logo_uri TEXT;
ALTER TABLE clients ADD COLUMN client_uri TEXT;
ALTER TABLE clients ADD COLUMN policy_uri TEXT;
ALTER TABLE clients ADD COLUMN tos_uri TEXT;

-- A change of the new columns by SQL also makes the copies outdated.
DROP TRIGGER client_changed;
CREATE TRIGGER client_changed AFTER UPDATE OF name, api, grants, scopes, origins, confidential, enabled,
  access_token_lifetime, refresh_token_lifetime, redirect_uris, post_logout_redirect_uris, first_party, require_pkce,
  id_token_signed_response_alg, logo_uri, client_uri, policy_uri, tos_uri, tokens_valid_from, version ON clients
BEGIN
  DELETE FROM copy_changes WHERE name = 'client:' || NEW.client_id;
  INSERT INTO copy_changes (name) VALUES ('client:' || NEW.client_id);
END;

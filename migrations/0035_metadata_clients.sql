-- Clients whose id is the URL of a document (docs/agent-clients.md). The migration copies the table, because SQLite cannot change a
-- CHECK. It copies the secrets first, because the removal of the old table would remove them.
CREATE TABLE clients_next (
  -- `metadata` is 1 for a client whose values come from a document.
  client_id TEXT PRIMARY KEY CHECK (iif(metadata, client_id GLOB 'http*://*' AND length(client_id) <= 255,
    length(client_id) BETWEEN 1 AND 64 AND client_id NOT GLOB '*[^A-Za-z0-9._-]*')),
  name TEXT NOT NULL,
  api TEXT NOT NULL,
  grants TEXT NOT NULL CHECK (json_valid(grants)),
  scopes TEXT NOT NULL CHECK (json_valid(scopes)),
  origins TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(origins)),
  confidential INTEGER NOT NULL CHECK (confidential IN (0, 1)),
  enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  created_at INTEGER NOT NULL,
  tokens_valid_from INTEGER NOT NULL DEFAULT 0,
  access_token_lifetime INTEGER CHECK (access_token_lifetime >= 60),
  refresh_token_lifetime INTEGER CHECK (refresh_token_lifetime >= 60),
  version INTEGER NOT NULL DEFAULT 1,
  updated_at INTEGER,
  last_used_at INTEGER,
  access_valid_from INTEGER NOT NULL DEFAULT 0,
  redirect_uris TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(redirect_uris)),
  post_logout_redirect_uris TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(post_logout_redirect_uris)),
  first_party INTEGER NOT NULL DEFAULT 0 CHECK (first_party IN (0, 1)),
  require_pkce INTEGER NOT NULL DEFAULT 1 CHECK (require_pkce IN (0, 1)),
  id_token_signed_response_alg TEXT NOT NULL DEFAULT 'RS256',
  logo_uri TEXT,
  client_uri TEXT,
  policy_uri TEXT,
  tos_uri TEXT,
  jwks TEXT CHECK (jwks IS NULL OR json_valid(jwks)),
  jwks_uri TEXT,
  assertion_audience TEXT NOT NULL DEFAULT 'issuer',
  keys_removed_at INTEGER,
  metadata INTEGER NOT NULL DEFAULT 0 CHECK (metadata IN (0, 1)),
  -- These clients are third-party clients, and they get no tokens without a user.
  CHECK (metadata = 0 OR first_party = 0 AND require_pkce = 1 AND grants NOT LIKE '%client_credentials%' AND grants NOT LIKE '%password%')
) STRICT;
INSERT INTO clients_next (client_id, name, api, grants, scopes, origins, confidential, enabled, created_at, tokens_valid_from,
    access_token_lifetime, refresh_token_lifetime, version, updated_at, last_used_at, access_valid_from,
    redirect_uris, post_logout_redirect_uris, first_party, require_pkce, id_token_signed_response_alg, logo_uri,
    client_uri, policy_uri, tos_uri, jwks, jwks_uri, assertion_audience, keys_removed_at)
  SELECT client_id, name, api, grants, scopes, origins, confidential, enabled, created_at, tokens_valid_from,
    access_token_lifetime, refresh_token_lifetime, version, updated_at, last_used_at, access_valid_from,
    redirect_uris, post_logout_redirect_uris, first_party, require_pkce, id_token_signed_response_alg, logo_uri,
    client_uri, policy_uri, tos_uri, jwks, jwks_uri, assertion_audience, keys_removed_at FROM clients;

CREATE TABLE client_secrets_next (
  secret_hash TEXT PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients_next (client_id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  secret_id TEXT,
  last_used_at INTEGER
) STRICT;
INSERT INTO client_secrets_next (secret_hash, client_id, created_at, expires_at, secret_id, last_used_at)
  SELECT secret_hash, client_id, created_at, expires_at, secret_id, last_used_at FROM client_secrets;

DROP TABLE client_secrets;
DROP TABLE clients;
ALTER TABLE clients_next RENAME TO clients;
ALTER TABLE client_secrets_next RENAME TO client_secrets;

CREATE INDEX client_secrets_by_client ON client_secrets (client_id);
CREATE INDEX clients_by_name ON clients (name, client_id);
CREATE INDEX clients_by_creation ON clients (created_at, client_id);
-- The cron trigger removes the clients of documents that are not used.
CREATE INDEX metadata_clients_by_use ON clients (last_used_at) WHERE metadata = 1;

-- The triggers of the old tables, and those of the columns of 0034.
CREATE TRIGGER client_added AFTER INSERT ON clients
BEGIN
  DELETE FROM copy_changes WHERE name = 'client:' || NEW.client_id;
  INSERT INTO copy_changes (name) VALUES ('client:' || NEW.client_id);
END;

-- A change of any column by SQL makes the copies outdated, except the last use. So a later column needs no new trigger.
CREATE TRIGGER client_changed AFTER UPDATE ON clients WHEN NEW.last_used_at IS OLD.last_used_at
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

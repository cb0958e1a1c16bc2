-- Clients. A client id has no colon, so it never equals the id of a user or a guest.
CREATE TABLE clients (
  client_id TEXT PRIMARY KEY CHECK (length(client_id) BETWEEN 1 AND 64 AND client_id NOT GLOB '*[^A-Za-z0-9._-]*'),
  name TEXT NOT NULL,
  api TEXT NOT NULL,
  grants TEXT NOT NULL CHECK (json_valid(grants)),
  scopes TEXT NOT NULL CHECK (json_valid(scopes)),
  origins TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(origins)),
  confidential INTEGER NOT NULL CHECK (confidential IN (0, 1)),
  enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  created_at INTEGER NOT NULL
) STRICT;

-- A client has up to two live secrets. A hash is the SHA-256 of 256 random bits. Times are Unix seconds.
CREATE TABLE client_secrets (
  secret_hash TEXT PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT;
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);

-- Users. The id is immutable and begins with "user:". The username is normalised and unique in its pool.
CREATE TABLE users (
  id TEXT PRIMARY KEY CHECK (id GLOB 'user:?*'),
  pool TEXT NOT NULL,
  username TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  roles TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(roles)),
  created_at INTEGER NOT NULL,
  UNIQUE (pool, username)
) STRICT;

-- A session gets its row at its first refresh, at seq 1. seq counts the refreshes.
CREATE TABLE sessions (
  sid TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  client_id TEXT NOT NULL,
  api TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  started_at INTEGER NOT NULL,
  rotated_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

-- Signing keys. The private key is a JWE under SEALING_KEY. No column contains it in plain text.
CREATE TABLE signing_keys (
  kid TEXT PRIMARY KEY,
  alg TEXT NOT NULL,
  public_jwk TEXT NOT NULL CHECK (json_valid(public_jwk)),
  sealed_private_jwk TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  activates_at INTEGER NOT NULL
) STRICT;

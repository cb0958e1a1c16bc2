-- A record that an operator can change has a version. The admin API returns it as an ETag. Times are Unix seconds.
ALTER TABLE clients ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE clients ADD COLUMN updated_at INTEGER;
-- The approximate time when the client last authenticated. Each isolate writes it about once an hour.
ALTER TABLE clients ADD COLUMN last_used_at INTEGER;

-- The id of a secret in the admin API. Null in a row that an older version added.
ALTER TABLE client_secrets ADD COLUMN secret_id TEXT;
ALTER TABLE client_secrets ADD COLUMN last_used_at INTEGER;
UPDATE client_secrets SET secret_id = lower(hex(randomblob(8)));

ALTER TABLE users ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN updated_at INTEGER;
-- A name and an address, by which operators find a user. No token, log line or audit event contains them.
ALTER TABLE users ADD COLUMN profile TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(profile));
ALTER TABLE users ADD COLUMN must_change_password INTEGER NOT NULL DEFAULT 0 CHECK (must_change_password IN (0, 1));

-- The operator of a change, the operator's client, and the changed fields. They contain no secret, hash or name.
ALTER TABLE audit_events ADD COLUMN actor TEXT;
ALTER TABLE audit_events ADD COLUMN actor_client TEXT;
ALTER TABLE audit_events ADD COLUMN change TEXT CHECK (json_valid(change));
CREATE INDEX audit_events_by_client ON audit_events (client_id, at);
-- The index is partial, so that events without an operator need no additional write.
CREATE INDEX audit_events_by_actor ON audit_events (actor, at) WHERE actor IS NOT NULL;
CREATE INDEX audit_events_by_rare_kind ON audit_events (kind, at) WHERE kind NOT IN ('issue', 'refresh', 'retry');

CREATE INDEX sessions_by_subject ON sessions (subject, started_at);
CREATE INDEX sessions_by_client ON sessions (client_id, started_at);

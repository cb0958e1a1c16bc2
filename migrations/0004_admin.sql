-- What an operator can change has a version, which the admin API hands out as an ETag. Times are Unix seconds.
ALTER TABLE clients ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE clients ADD COLUMN updated_at INTEGER;
-- About when it last authenticated: written at most about once an hour by each isolate.
ALTER TABLE clients ADD COLUMN last_used_at INTEGER;

-- Names a secret without its hash. Null in a row that was added by a version before this one.
ALTER TABLE client_secrets ADD COLUMN secret_id TEXT;
ALTER TABLE client_secrets ADD COLUMN last_used_at INTEGER;
UPDATE client_secrets SET secret_id = lower(hex(randomblob(8)));

ALTER TABLE users ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN updated_at INTEGER;
-- A name and an address for the operators to find somebody by. Never in a token, a log line or the audit trail.
ALTER TABLE users ADD COLUMN profile TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(profile));
ALTER TABLE users ADD COLUMN must_change_password INTEGER NOT NULL DEFAULT 0 CHECK (must_change_password IN (0, 1));

-- What an operator did: who, by which client, and what changed. No secret, hash or name in it.
ALTER TABLE audit_events ADD COLUMN actor TEXT;
ALTER TABLE audit_events ADD COLUMN actor_client TEXT;
ALTER TABLE audit_events ADD COLUMN change TEXT CHECK (json_valid(change));
CREATE INDEX audit_events_by_client ON audit_events (client_id, at);
-- Partial, so that the events of every day cost nothing more to write.
CREATE INDEX audit_events_by_actor ON audit_events (actor, at) WHERE actor IS NOT NULL;
CREATE INDEX audit_events_by_rare_kind ON audit_events (kind, at) WHERE kind NOT IN ('issue', 'refresh', 'retry');

CREATE INDEX sessions_by_subject ON sessions (subject, started_at);
CREATE INDEX sessions_by_client ON sessions (client_id, started_at);

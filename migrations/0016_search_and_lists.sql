-- The folded username, name and email of a user, for searches. NULL until the cron trigger has filled it.
ALTER TABLE users ADD COLUMN search TEXT;

-- A search reads this index in the order of the list, and the rows of the matches only.
CREATE INDEX users_by_search ON users (pool, username, search);
CREATE INDEX users_without_search ON users (id) WHERE search IS NULL;
CREATE INDEX users_by_creation ON users (created_at, id);

CREATE INDEX clients_by_name ON clients (name, client_id);
CREATE INDEX clients_by_creation ON clients (created_at, client_id);

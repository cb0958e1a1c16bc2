-- The users of a pool by their creation. It replaces the index of all users by creation: a list of all pools merges the lists of each pool.
CREATE INDEX users_by_pool_and_creation ON users (pool, created_at, id);
DROP INDEX users_by_creation;

-- A user can ask for the deletion of the account. A sign-in before this time cancels it. Unix seconds; NULL without a request.
ALTER TABLE users ADD COLUMN deletion_at INTEGER;

-- The cron trigger finds the accounts whose time has come, and reads no other user.
CREATE INDEX users_by_deletion_at ON users (deletion_at) WHERE deletion_at IS NOT NULL;

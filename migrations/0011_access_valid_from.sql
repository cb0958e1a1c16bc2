-- Access tokens that were issued before this second are refused, refresh tokens are not: a user lost a role, or a client
-- lost a scope or a grant. Unix seconds.
ALTER TABLE users ADD COLUMN access_valid_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN access_valid_from INTEGER NOT NULL DEFAULT 0;

-- users.kept_sid and users.kept_from are not read or written any more: a new password ends every session of the user.
-- They stay for the version before this one, which reads them during a deployment and after a rollback.

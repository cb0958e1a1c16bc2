-- Access tokens that were issued before this second are revoked, because a user lost a role, or a client lost a scope or a
-- grant. Refresh tokens stay valid. Unix seconds.
ALTER TABLE users ADD COLUMN access_valid_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN access_valid_from INTEGER NOT NULL DEFAULT 0;

-- The code no longer uses users.kept_sid and users.kept_from, because a new password ends every session of the user.
-- The columns stay for the previous version, which reads them during a deployment and after a rollback.

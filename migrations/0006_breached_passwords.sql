-- When the current password of the user was last checked against a list of known breaches, in Unix seconds. Null if it was
-- not checked. A change of the password resets both columns. A new hash of the same password keeps them.
ALTER TABLE users ADD COLUMN breach_checked_at INTEGER;
ALTER TABLE users ADD COLUMN password_breached INTEGER NOT NULL DEFAULT 0 CHECK (password_breached IN (0, 1));

-- When a list of passwords from known breaches was last asked for the person's password of now, in Unix seconds; null where
-- it was not. A change of the password sets both back; another hash of the same one leaves them.
ALTER TABLE users ADD COLUMN breach_checked_at INTEGER;
ALTER TABLE users ADD COLUMN password_breached INTEGER NOT NULL DEFAULT 0 CHECK (password_breached IN (0, 1));

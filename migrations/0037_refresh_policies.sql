-- The rules for the refresh tokens of a client. A null window means `refresh_retry_window` of config.yml.
ALTER TABLE clients ADD COLUMN refresh TEXT NOT NULL DEFAULT 'rotate' CHECK (refresh IN ('rotate', 'until_used', 'fixed'));
ALTER TABLE clients ADD COLUMN refresh_retry_window INTEGER CHECK (refresh_retry_window BETWEEN 0 AND 3600);

-- A session can issue access tokens until this second without a change of its row. Unix seconds; NULL: only at its start, and within
-- `refresh_retry_window` of config.yml after a refresh.
ALTER TABLE sessions ADD COLUMN issues_until INTEGER;
-- The times of the last rotations of a session with the policy until_used: a JSON object of Unix seconds by `seq`.
ALTER TABLE sessions ADD COLUMN rotation_times TEXT CHECK (json_valid(rotation_times));

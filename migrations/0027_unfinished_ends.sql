-- Why a browser session ended. A logout keeps its sessions under a consent; the other reasons end all of its sessions.
ALTER TABLE ended_browser_sessions ADD COLUMN reason TEXT NOT NULL DEFAULT 'signed out in the browser';
-- Null while sessions of the browser session may be left. The cron trigger ends them.
ALTER TABLE ended_browser_sessions ADD COLUMN finished_at INTEGER;
CREATE INDEX ended_browser_sessions_unfinished ON ended_browser_sessions (ended_at) WHERE finished_at IS NULL;

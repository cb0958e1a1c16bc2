-- The counters of an hour, for statistics of 7 and 30 days. The cron trigger adds each hour after its end from `audit_counters`.
-- The key is the start of the hour in Unix seconds.
CREATE TABLE audit_hour_counters (
  hour INTEGER PRIMARY KEY,
  counts TEXT NOT NULL CHECK (json_valid(counts))
) STRICT;

-- The statistics count the locked accounts. Only an account that is or was locked has an entry.
CREATE INDEX sign_in_failures_by_lock ON sign_in_failures (locked_until) WHERE kind = 'account' AND locked_until > 0;

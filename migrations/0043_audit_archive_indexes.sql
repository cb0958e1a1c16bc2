-- The objects that have events, by day. It serves the newest archived day, exports and the retention.
CREATE INDEX audit_archives_by_day ON audit_archives (day, partition, name) WHERE removed_at IS NULL;

-- The objects that the cron trigger deletes.
CREATE INDEX audit_archives_removed ON audit_archives (removed_at) WHERE removed_at IS NOT NULL;

-- The audit trail with `audit_archive` in config.yml. Sign-ins with tokens, refreshes and retries come through a queue. Each delivery
-- writes one row for each partition and slot.
CREATE TABLE audit_batches (
  -- The partition of the subjects: 2^n + the last n bits of a hash, if there are 2^n partitions.
  partition INTEGER NOT NULL,
  -- The start of ten minutes, in Unix seconds. All events of the row are in this time.
  slot INTEGER NOT NULL,
  id TEXT NOT NULL,
  -- The number of events.
  size INTEGER NOT NULL,
  -- A JSON array of objects with the columns of `audit_events` that are not null.
  events TEXT NOT NULL CHECK (json_valid(events)),
  PRIMARY KEY (partition, slot, id)
) STRICT, WITHOUT ROWID;

-- The messages of each delivery. A message that the queue delivers twice is stored once.
CREATE TABLE audit_deliveries (
  at INTEGER NOT NULL,
  id TEXT NOT NULL,
  -- A JSON array of ids.
  messages TEXT NOT NULL CHECK (json_valid(messages)),
  PRIMARY KEY (at, id)
) STRICT, WITHOUT ROWID;

-- The objects of the archive in R2. Each has events of one day and one partition, in the order of subject, time and id.
CREATE TABLE audit_archives (
  partition INTEGER NOT NULL,
  -- The start of the day in UTC, in Unix seconds.
  day INTEGER NOT NULL,
  -- The key of the object.
  name TEXT NOT NULL,
  -- The number of events and of bytes.
  size INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  -- A JSON array of [first subject, offset of its first byte] for each block of the object.
  blocks TEXT NOT NULL CHECK (json_valid(blocks)),
  -- Null: the object has events that no other place has. Else the cron trigger deletes the object and then the row, an hour after
  -- this time in Unix seconds.
  removed_at INTEGER,
  PRIMARY KEY (partition, day, name)
) STRICT, WITHOUT ROWID;

-- The first day whose objects can have events of the subject, in Unix seconds; null: no batch and no object has them.
ALTER TABLE erasures ADD COLUMN archive_from INTEGER DEFAULT 0;

-- No batch exists before this migration.
UPDATE erasures SET archive_from = NULL;

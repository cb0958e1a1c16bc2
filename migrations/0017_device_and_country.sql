-- The kind of device and the country of a request: names of a fixed list, and two letters. NULL where they are not known.
ALTER TABLE audit_events ADD COLUMN device TEXT;
ALTER TABLE audit_events ADD COLUMN country TEXT;

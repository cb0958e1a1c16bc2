-- The statistics: the number of events of each kind in a minute. One transaction writes the events and the counters.
-- The key is the start of the minute, in Unix seconds.
CREATE TABLE audit_counters (
  minute INTEGER PRIMARY KEY,
  password INTEGER NOT NULL DEFAULT 0,
  guest INTEGER NOT NULL DEFAULT 0,
  client_credentials INTEGER NOT NULL DEFAULT 0,
  refresh_token INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  breached_passwords INTEGER NOT NULL DEFAULT 0,
  unchecked_passwords INTEGER NOT NULL DEFAULT 0,
  -- Refreshes, by the minutes since the previous token of the session: 0, 1, 2 to 3, 4 to 7 and so on.
  idle_0 INTEGER NOT NULL DEFAULT 0,
  idle_1 INTEGER NOT NULL DEFAULT 0,
  idle_2 INTEGER NOT NULL DEFAULT 0,
  idle_4 INTEGER NOT NULL DEFAULT 0,
  idle_8 INTEGER NOT NULL DEFAULT 0,
  idle_16 INTEGER NOT NULL DEFAULT 0,
  idle_32 INTEGER NOT NULL DEFAULT 0,
  idle_64 INTEGER NOT NULL DEFAULT 0,
  idle_128 INTEGER NOT NULL DEFAULT 0,
  idle_256 INTEGER NOT NULL DEFAULT 0,
  idle_512 INTEGER NOT NULL DEFAULT 0,
  idle_1024 INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The events of the last day, which is the longest period of the statistics. If the session of a refresh has no earlier
-- event in that day, the refresh counts as idle for longer.
INSERT INTO audit_counters
SELECT
  at / 60 * 60 AS minute,
  count(CASE WHEN kind = 'issue' AND reason = 'password' THEN 1 END),
  count(CASE WHEN kind = 'issue' AND reason = 'guest' THEN 1 END),
  count(CASE WHEN kind = 'issue' AND reason = 'client_credentials' THEN 1 END),
  count(CASE WHEN kind IN ('refresh', 'retry') THEN 1 END),
  count(CASE WHEN kind IN ('sign_in_failure', 'refresh_refused') THEN 1 END),
  count(CASE WHEN kind = 'breached_password' THEN 1 END),
  count(CASE WHEN kind = 'unchecked_password' THEN 1 END),
  count(CASE WHEN idle < 1 THEN 1 END),
  count(CASE WHEN idle BETWEEN 1 AND 1 THEN 1 END),
  count(CASE WHEN idle BETWEEN 2 AND 3 THEN 1 END),
  count(CASE WHEN idle BETWEEN 4 AND 7 THEN 1 END),
  count(CASE WHEN idle BETWEEN 8 AND 15 THEN 1 END),
  count(CASE WHEN idle BETWEEN 16 AND 31 THEN 1 END),
  count(CASE WHEN idle BETWEEN 32 AND 63 THEN 1 END),
  count(CASE WHEN idle BETWEEN 64 AND 127 THEN 1 END),
  count(CASE WHEN idle BETWEEN 128 AND 255 THEN 1 END),
  count(CASE WHEN idle BETWEEN 256 AND 511 THEN 1 END),
  count(CASE WHEN idle BETWEEN 512 AND 1023 THEN 1 END),
  count(CASE WHEN idle >= 1024 THEN 1 END)
FROM (
  SELECT at, kind, reason,
    CASE WHEN kind = 'refresh' THEN coalesce(
      at / 60 - lag(at) OVER (PARTITION BY sid, kind IN ('issue', 'refresh') ORDER BY at, id) / 60, 1024) END AS idle
  FROM audit_events WHERE at >= unixepoch() - 86400
)
GROUP BY minute;

-- The grant that issued the tokens or refused the request, such as "password"; "guest" if a guest used the password grant.
-- NULL for other events and in rows of an older version.
ALTER TABLE audit_events ADD COLUMN grant TEXT;

-- The counters of a minute as one JSON object, so that a new grant needs no column. The other columns stay for the previous
-- version, which writes them during a deployment and after a rollback.
ALTER TABLE audit_counters ADD COLUMN counts TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(counts));

UPDATE audit_counters SET counts = (
  SELECT json_group_object(key, value) FROM json_each(json_patch(
    json_object('tokens:password', password, 'tokens:guest', guest, 'tokens:client_credentials', client_credentials,
      'tokens:refresh_token', refresh_token, 'sessions', password + guest, 'failures', failures,
      'breached_passwords', breached_passwords, 'unchecked_passwords', unchecked_passwords),
    json_object('idle:0', idle_0, 'idle:1', idle_1, 'idle:2', idle_2, 'idle:4', idle_4, 'idle:8', idle_8,
      'idle:16', idle_16, 'idle:32', idle_32, 'idle:64', idle_64, 'idle:128', idle_128, 'idle:256', idle_256,
      'idle:512', idle_512, 'idle:1024', idle_1024)))
  WHERE value > 0);

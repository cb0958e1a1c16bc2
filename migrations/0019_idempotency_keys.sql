-- Successful requests with an Idempotency-Key, so that a repeat gets the same secret. The sweep removes a row at its end.
CREATE TABLE idempotency_keys (
  -- The keyed hash of the caller and the key.
  key_hash TEXT PRIMARY KEY,
  -- The keyed hash of the operation, its path and its body.
  request_hash TEXT NOT NULL,
  -- Random. The secret of the response is derived from the key, this id and SEALING_KEY.
  secret_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

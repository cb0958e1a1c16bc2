-- The mails of the last hour, for all locations together. Times are Unix seconds.
CREATE TABLE mail_budgets (
  -- A keyed hash of what the budget belongs to: an address in a pool, the network address of a caller, or a pool.
  key TEXT PRIMARY KEY,
  mails INTEGER NOT NULL,
  -- The end of the hour that began with the first mail.
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_budgets_by_end ON mail_budgets (expires_at);

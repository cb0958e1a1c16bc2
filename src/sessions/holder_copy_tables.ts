import { USER_COLUMNS } from '../users/user.ts'

/** The columns of a client that the check of a holder needs. The secrets follow as a JSON array. */
export const COPIED_CLIENT_COLUMNS = [
  'client_id',
  'api',
  'additional_apis',
  'enabled',
  'metadata',
  'scopes',
  'jwks',
  'jwks_uri',
  'tokens_valid_from',
  'access_valid_from',
  'keys_removed_at',
] as const

/** The columns of a user that a copy has: all that make a StoredUser, except the hash of the password. */
export const COPIED_USER_COLUMNS = USER_COLUMNS.filter((name) => name !== 'password_hash')

/**
 * The tables of a session object for copies of clients and users. They have the names and columns that the check of a holder reads.
 * `as_of` is the number of the latest change that a copy includes, and `read_at` is the time of its read from D1. `copy_lists` has the
 * numbers of the latest changes that were applied to the copies.
 */
export const HOLDER_COPY_TABLES = `
  CREATE TABLE clients (
    client_id TEXT PRIMARY KEY,
    api TEXT NOT NULL,
    additional_apis TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    metadata INTEGER NOT NULL,
    scopes TEXT NOT NULL,
    jwks TEXT,
    jwks_uri TEXT,
    tokens_valid_from INTEGER NOT NULL,
    access_valid_from INTEGER NOT NULL,
    keys_removed_at INTEGER,
    secrets TEXT NOT NULL,
    as_of INTEGER NOT NULL,
    read_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE VIEW client_secrets AS
    SELECT s.value ->> 0 AS secret_hash, clients.client_id AS client_id, s.value ->> 1 AS expires_at
    FROM clients, json_each(clients.secrets) AS s;
  CREATE TABLE users (
    id TEXT PRIMARY KEY,
    pool TEXT NOT NULL,
    username TEXT NOT NULL,
    password_hash TEXT NOT NULL DEFAULT '' CHECK (password_hash = ''),
    hash_replaceable INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    roles TEXT NOT NULL,
    must_change_password INTEGER NOT NULL,
    has_totp INTEGER NOT NULL,
    has_passkey INTEGER NOT NULL,
    breach_checked_at INTEGER,
    password_breached INTEGER NOT NULL,
    deletion_at INTEGER,
    created_at INTEGER NOT NULL,
    tokens_valid_from INTEGER NOT NULL,
    access_valid_from INTEGER NOT NULL,
    verified_email TEXT,
    profile TEXT NOT NULL,
    updated_at INTEGER,
    as_of INTEGER NOT NULL,
    read_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE copy_lists (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    clients_seq INTEGER NOT NULL,
    users_seq INTEGER NOT NULL
  ) STRICT;
  INSERT INTO copy_lists VALUES (1, 0, 0)`

/** As `copy_lists`, for the users of further databases, by the names of these. */
export const FURTHER_LISTS_TABLE = `
  CREATE TABLE further_lists (name TEXT PRIMARY KEY, users_seq INTEGER NOT NULL) STRICT, WITHOUT ROWID`

/**
 * The number of the mark of the last restore that the object knows, by the names of the databases. The row of the main database has the
 * progress of the outbox: the id of the last cutoff that it sent, and the sid after which it sends the index again (null: nothing).
 */
export const RESTORES_TABLE = `
  CREATE TABLE restores (
    name TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    sent_cutoff INTEGER NOT NULL DEFAULT 0,
    resend_after TEXT
  ) STRICT, WITHOUT ROWID;
  INSERT INTO restores (name, seq) VALUES ('', 0)`

/** The part of the sent cutoffs that the outbox sends again begins after this id; null: no part. */
export const RESENT_CUTOFFS_COLUMN = 'ALTER TABLE restores ADD COLUMN resend_cutoffs_after INTEGER'

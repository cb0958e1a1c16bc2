-- 1 if another import may replace the hash: from the import of a user until the first sign-in or the next change of the
-- password. The service creates only Argon2id hashes, so hashes of other schemes were imported.
ALTER TABLE users ADD COLUMN hash_replaceable INTEGER NOT NULL DEFAULT 0 CHECK (hash_replaceable IN (0, 1));
UPDATE users SET hash_replaceable = 1 WHERE password_hash NOT GLOB '$argon2id$*';

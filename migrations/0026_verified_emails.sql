-- The verified email address of a user; NULL if the address is not verified. The column is computed from the profile.
ALTER TABLE users ADD COLUMN verified_email TEXT GENERATED ALWAYS AS
  (CASE WHEN profile ->> '$.email_verified' THEN lower(profile ->> '$.email') END) VIRTUAL;

-- Two users of a pool never have the same verified address.
CREATE UNIQUE INDEX users_by_verified_email ON users (pool, verified_email) WHERE verified_email IS NOT NULL;

-- The APIs for which a client can get tokens in addition to its own, as a list of names.
ALTER TABLE clients ADD COLUMN additional_apis TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(additional_apis));
-- The format of the errors that the client gets; null means that of its API.
ALTER TABLE clients ADD COLUMN errors TEXT;
-- Whether a sign-in by browser also gives the scopes that the user has allowed before.
ALTER TABLE clients ADD COLUMN incremental_scopes INTEGER NOT NULL DEFAULT 0 CHECK (incremental_scopes IN (0, 1));

-- The request that exchanged the code of the session. The server repeats an insertion whose response was lost, and finds its own row.
ALTER TABLE sessions ADD COLUMN opening_id TEXT;

-- The session of the customer into which the exchange of a code merged a guest's session. A repeated exchange finds its own merge.
ALTER TABLE sessions ADD COLUMN merged_into TEXT;

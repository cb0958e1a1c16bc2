-- The cron trigger ends sessions that began while their consent was withdrawn.
CREATE INDEX consents_by_withdrawal ON consents (withdrawn_at) WHERE withdrawn_at IS NOT NULL;

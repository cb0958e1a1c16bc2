-- A token of a client's own has no session: its event needs no entry here. Rows and index entries are what D1 bills.
DROP INDEX audit_events_by_session;
CREATE INDEX audit_events_by_session ON audit_events (sid, at) WHERE sid IS NOT NULL;

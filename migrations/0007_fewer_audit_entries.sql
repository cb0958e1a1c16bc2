-- A machine token has no session, so its event needs no entry in this index. D1 bills rows and index entries.
DROP INDEX audit_events_by_session;
CREATE INDEX audit_events_by_session ON audit_events (sid, at) WHERE sid IS NOT NULL;

-- What differs on SQLite: how a trigger refuses.
CREATE TRIGGER evidence_no_update BEFORE UPDATE ON evidence
    BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER evidence_no_delete BEFORE DELETE ON evidence
    BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER outbox_no_delete BEFORE DELETE ON outbox
    BEGIN SELECT RAISE(ABORT, 'an outbox row is never deleted'); END;
CREATE TRIGGER outbox_no_reopen BEFORE UPDATE ON outbox WHEN OLD.state = 'accepted'
    BEGIN SELECT RAISE(ABORT, 'an accepted outbox row never changes'); END;

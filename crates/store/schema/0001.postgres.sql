-- What differs on PostgreSQL: how a trigger refuses, and that TRUNCATE exists.
CREATE FUNCTION breakglass_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END
$$;
CREATE TRIGGER evidence_no_change BEFORE UPDATE OR DELETE ON evidence
    FOR EACH ROW EXECUTE FUNCTION breakglass_refuse('evidence is append-only');
CREATE TRIGGER evidence_no_truncate BEFORE TRUNCATE ON evidence
    FOR EACH STATEMENT EXECUTE FUNCTION breakglass_refuse('evidence is append-only');
CREATE TRIGGER outbox_no_delete BEFORE DELETE ON outbox
    FOR EACH ROW EXECUTE FUNCTION breakglass_refuse('an outbox row is never deleted');
CREATE TRIGGER outbox_no_truncate BEFORE TRUNCATE ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION breakglass_refuse('an outbox row is never deleted');
CREATE TRIGGER outbox_no_reopen BEFORE UPDATE ON outbox
    FOR EACH ROW WHEN (OLD.state = 'accepted')
    EXECUTE FUNCTION breakglass_refuse('an accepted outbox row never changes');

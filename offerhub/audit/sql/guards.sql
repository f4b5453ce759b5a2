-- What holds in the audit whoever writes: the product, or a hand in psql.
--
-- Plain triggers and not pgtrigger's, which any session can switch off with a setting; ALWAYS, so
-- that session_replication_role does not switch them off either. SQLSTATE OH006 as in the books.
-- audit/checks.py fails when one is missing or disabled.

CREATE OR REPLACE FUNCTION audit_guard_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'OH006',
        MESSAGE = format('%s may not be written over: no %s', TG_TABLE_NAME, TG_OP);
END $$;

CREATE OR REPLACE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON audit_staffaction
    FOR EACH ROW EXECUTE FUNCTION audit_guard_kept();
CREATE OR REPLACE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit_staffaction
    FOR EACH STATEMENT EXECUTE FUNCTION audit_guard_kept();

-- A new row continues the chain. That its digest is right is for `verify` to prove.
CREATE OR REPLACE FUNCTION audit_guard_next() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE v_position bigint; v_digest text;
BEGIN
    SELECT a.position, a.digest INTO v_position, v_digest
    FROM audit_staffaction a ORDER BY a.position DESC LIMIT 1;
    IF NEW.position <> coalesce(v_position, 0) + 1
        OR NEW.previous <> coalesce(v_digest, repeat('0', 64))
        OR NEW.digest !~ '^[0-9a-f]{64}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('row %s does not continue the audit', NEW.position);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER audit_continues BEFORE INSERT ON audit_staffaction
    FOR EACH ROW EXECUTE FUNCTION audit_guard_next();

ALTER TABLE audit_staffaction ENABLE ALWAYS TRIGGER audit_kept;
ALTER TABLE audit_staffaction ENABLE ALWAYS TRIGGER audit_not_emptied;
ALTER TABLE audit_staffaction ENABLE ALWAYS TRIGGER audit_continues;

-- Four eyes, whoever writes: the product, or a hand in psql. Plain triggers, ALWAYS on, so that no
-- setting of a session switches them off. SQLSTATE OH006. approvals/checks.py fails without them.

ALTER TABLE approvals_approval ADD CONSTRAINT approval_of_what_was_proposed
    FOREIGN KEY (proposal_id, proposer, digest)
    REFERENCES approvals_proposal (id, proposer, digest);

CREATE OR REPLACE FUNCTION approvals_guard_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'OH006',
        MESSAGE = format('%s may not be written over: no %s', TG_TABLE_NAME, TG_OP);
END $$;

-- A proposal begins open, or approved where nobody else is required.
CREATE OR REPLACE FUNCTION approvals_guard_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.status, NEW.required) NOT IN (('OPEN', 1), ('APPROVED', 0))
        OR NEW.executed_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('proposal %s begins open, or approved on the spot', NEW.id);
    END IF;
    RETURN NEW;
END $$;

-- Nothing of it changes but its state, along the edges, each decision with its second person.
CREATE OR REPLACE FUNCTION approvals_guard_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE v_moves text[] := ARRAY['status', 'decided_at', 'executed_at', 'version'];
BEGIN
    IF to_jsonb(NEW) - v_moves <> to_jsonb(OLD) - v_moves THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('proposal %s stays what was proposed', OLD.id);
    ELSIF NEW.status <> OLD.status AND OLD.status <> 'OPEN' THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('proposal %s is %s already', OLD.id, OLD.status);
    ELSIF NEW.status <> OLD.status AND NEW.status IN ('APPROVED', 'REJECTED') AND NOT EXISTS (
        SELECT FROM approvals_approval a
        WHERE a.proposal_id = NEW.id AND a.digest = NEW.digest AND a.approver <> NEW.proposer
          AND a.verdict = CASE NEW.status WHEN 'APPROVED' THEN 'APPROVE' ELSE 'REJECT' END
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('proposal %s has nobody who said that it is %s', OLD.id, NEW.status);
    ELSIF NEW.executed_at IS DISTINCT FROM OLD.executed_at
        AND (OLD.executed_at IS NOT NULL OR NEW.status <> 'APPROVED') THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('proposal %s is executed once, and only when approved', OLD.id);
    END IF;
    RETURN NEW;
END $$;

-- A second person speaks in time, while it is open, of what it is.
CREATE OR REPLACE FUNCTION approvals_guard_fits() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.approver = NEW.proposer OR NOT EXISTS (
        SELECT FROM approvals_proposal p
        WHERE p.id = NEW.proposal_id AND p.proposer = NEW.proposer AND p.digest = NEW.digest
          AND p.status = 'OPEN' AND p.expires_at > offerhub_now()
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('approval %s does not fit an open proposal', NEW.id);
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER proposal_begins BEFORE INSERT ON approvals_proposal
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_begins();
CREATE OR REPLACE TRIGGER proposal_stays BEFORE UPDATE ON approvals_proposal
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_stays();
CREATE OR REPLACE TRIGGER proposal_kept BEFORE DELETE ON approvals_proposal
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_kept();
CREATE OR REPLACE TRIGGER proposal_not_emptied BEFORE TRUNCATE ON approvals_proposal
    FOR EACH STATEMENT EXECUTE FUNCTION approvals_guard_kept();
CREATE OR REPLACE TRIGGER approval_fits BEFORE INSERT ON approvals_approval
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_fits();
CREATE OR REPLACE TRIGGER approval_kept BEFORE UPDATE OR DELETE ON approvals_approval
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_kept();
CREATE OR REPLACE TRIGGER approval_not_emptied BEFORE TRUNCATE ON approvals_approval
    FOR EACH STATEMENT EXECUTE FUNCTION approvals_guard_kept();

ALTER TABLE approvals_proposal ENABLE ALWAYS TRIGGER proposal_begins;
ALTER TABLE approvals_proposal ENABLE ALWAYS TRIGGER proposal_stays;
ALTER TABLE approvals_proposal ENABLE ALWAYS TRIGGER proposal_kept;
ALTER TABLE approvals_proposal ENABLE ALWAYS TRIGGER proposal_not_emptied;
ALTER TABLE approvals_approval ENABLE ALWAYS TRIGGER approval_fits;
ALTER TABLE approvals_approval ENABLE ALWAYS TRIGGER approval_kept;
ALTER TABLE approvals_approval ENABLE ALWAYS TRIGGER approval_not_emptied;

-- Guards of withdrawals that are paid together. Plain and ALWAYS on. SQLSTATE OH006;
-- payouts/checks.py fails without them.

-- A withdrawal is paid either by attempts of its own or with its batch, never by both; and neither
-- before the proposal that it waits for is approved and executed.
CREATE OR REPLACE FUNCTION payouts_waits_for_approval(wanted text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM payouts_withdrawal w
        JOIN approvals_proposal p ON p.id = w.proposal_id
        WHERE w.id = wanted
          AND (p.status <> 'APPROVED' OR p.executed_at IS NULL OR p.subject <> w.id)
    )
$$;

CREATE OR REPLACE FUNCTION payouts_guard_approved() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF payouts_waits_for_approval(NEW.withdrawal_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('withdrawal %s waits for approval', NEW.withdrawal_id);
    END IF;
    IF EXISTS (
        SELECT FROM payouts_withdrawal w WHERE w.id = NEW.withdrawal_id AND w.batch_id IS NOT NULL
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('withdrawal %s is paid with its batch', NEW.withdrawal_id);
    END IF;
    RETURN NEW;
END $$;

-- An item leaves a payment only when that has provably failed, and enters one only while its
-- withdrawal is open, agreed to where somebody must agree, and of the same marketplace.
CREATE OR REPLACE FUNCTION payouts_guard_item() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    was text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.payment_id END;
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.withdrawal_id IS NOT NULL
       AND NEW.withdrawal_id IS DISTINCT FROM OLD.withdrawal_id THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006', MESSAGE = 'an item keeps its withdrawal';
    END IF;
    IF NEW.payment_id IS NOT DISTINCT FROM was THEN
        RETURN NEW;
    END IF;
    IF was IS NOT NULL AND NOT EXISTS (
        SELECT FROM payouts_batchpayment p WHERE p.id = was AND p.status = 'FAILED'
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('payment %s may still carry item %s', was, NEW.id);
    END IF;
    IF NEW.payment_id IS NULL THEN
        RETURN NEW;
    END IF;
    IF payouts_waits_for_approval(NEW.withdrawal_id) OR NOT EXISTS (
        SELECT FROM payouts_withdrawal w
        JOIN payouts_batchpayment p ON p.id = NEW.payment_id
        WHERE w.id = NEW.withdrawal_id AND w.status IN ('REQUESTED', 'SUBMITTED')
          AND w.marketplace_id = p.marketplace_id AND w.batch_id = NEW.batch_id
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('withdrawal %s can not be paid', NEW.withdrawal_id);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER item_is_carried_once BEFORE INSERT OR UPDATE ON payouts_batchitem
    FOR EACH ROW EXECUTE FUNCTION payouts_guard_item();
ALTER TABLE payouts_batchitem ENABLE ALWAYS TRIGGER item_is_carried_once;

-- Nothing is withdrawn for an upload before a second person agreed to exactly that list.
CREATE OR REPLACE FUNCTION payouts_guard_batch() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.proposal_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM approvals_proposal p
        WHERE p.id = NEW.proposal_id AND p.status = 'APPROVED' AND p.executed_at IS NOT NULL
          AND p.subject = NEW.id AND p.kind = 'withdrawal_batch'
          AND p.marketplace_id = NEW.marketplace_id
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('batch %s waits for approval', NEW.id);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER batch_is_approved BEFORE INSERT ON payouts_batch
    FOR EACH ROW EXECUTE FUNCTION payouts_guard_batch();
ALTER TABLE payouts_batch ENABLE ALWAYS TRIGGER batch_is_approved;

-- No payment of a withdrawal exists before the proposal that it waits for is approved and executed,
-- whoever writes. Plain and ALWAYS on. SQLSTATE OH006; payouts/checks.py fails without it.
CREATE OR REPLACE FUNCTION payouts_guard_approved() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM payouts_withdrawal w
        JOIN approvals_proposal p ON p.id = w.proposal_id
        WHERE w.id = NEW.withdrawal_id
          AND (p.status <> 'APPROVED' OR p.executed_at IS NULL OR p.subject <> w.id)
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('withdrawal %s waits for approval', NEW.withdrawal_id);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER attempt_is_approved BEFORE INSERT ON payouts_withdrawalattempt
    FOR EACH ROW EXECUTE FUNCTION payouts_guard_approved();
ALTER TABLE payouts_withdrawalattempt ENABLE ALWAYS TRIGGER attempt_is_approved;

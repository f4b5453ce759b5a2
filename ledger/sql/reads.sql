-- Reads that need more than one step. None of them locks anything.

-- A rollup account's balance on its normal side: the checkpoint plus what came since.
CREATE OR REPLACE FUNCTION ledger_rollup_balance(p_account text) RETURNS numeric
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    RETURN (
        SELECT coalesce(c.amount, 0) + a.side * coalesce((
            SELECT sum(p.amount) FROM ledger_posting p
            WHERE p.account_id = a.id AND p.account_version IS NULL
              AND p.id > coalesce(c.posting_id, 0)), 0)
        FROM ledger_account a LEFT JOIN ledger_checkpoint c ON c.account_id = a.id
        WHERE a.id = p_account);
END $$;

-- The last version of a live account that was recorded at or before an instant, 0 when none was.
-- Versions have no gaps and rise with time, so halving finds it in some twenty look-ups.
CREATE OR REPLACE FUNCTION ledger_version_at(p_account text, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    v_low bigint := 0;
    v_high bigint := (SELECT b.version FROM ledger_balance b WHERE b.account_id = p_account);
    v_middle bigint;
BEGIN
    WHILE v_low < v_high LOOP
        v_middle := (v_low + v_high + 1) / 2;
        IF (
            SELECT e.recorded_at FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id
            WHERE p.account_id = p_account AND p.account_version = v_middle
        ) <= p_at THEN
            v_low := v_middle;
        ELSE
            v_high := v_middle - 1;
        END IF;
    END LOOP;
    RETURN v_low;
END $$;

-- An account's balance on its normal side, as the books stood at an instant.
CREATE OR REPLACE FUNCTION ledger_balance_at(p_account text, p_at timestamptz) RETURNS numeric
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    IF (SELECT a.mode FROM ledger_account a WHERE a.id = p_account) = 'live' THEN
        RETURN coalesce((
            SELECT p.balance_after FROM ledger_posting p
            WHERE p.account_id = p_account
              AND p.account_version = ledger_version_at(p_account, p_at)), 0);
    END IF;
    RETURN (
        SELECT a.side * coalesce((
            SELECT sum(p.amount) FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id
            WHERE p.account_id = a.id AND p.account_version IS NULL AND e.recorded_at <= p_at), 0)
        FROM ledger_account a WHERE a.id = p_account);
END $$;

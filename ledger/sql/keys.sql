-- Foreign keys are looked at when the row is written, within the function that writes it. Django
-- makes them deferred: they would run at commit, outside the function's settings, and their plans
-- are kept like all others (one that was made for a table of three rows reads it whole for ever).
DO $$
DECLARE v_key record;
BEGIN
    FOR v_key IN
        SELECT c.conrelid::regclass AS owner, c.conname FROM pg_constraint c
        JOIN pg_class t ON t.oid = c.conrelid
        WHERE c.contype = 'f' AND c.condeferrable AND t.relname LIKE 'ledger\_%'
    LOOP
        EXECUTE format(
            'ALTER TABLE %s ALTER CONSTRAINT %I NOT DEFERRABLE', v_key.owner, v_key.conname);
    END LOOP;
END $$;

-- For installations where the application's role does not own the tables: it reads them, and
-- writes only through the functions. CALL ledger_admit('app') as the owner, after migrating.
CREATE OR REPLACE PROCEDURE ledger_admit(p_role name) LANGUAGE plpgsql AS $$
DECLARE v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY[
        'ledger_account', 'ledger_balance', 'ledger_entry', 'ledger_posting',
        'ledger_checkpoint', 'ledger_period', 'ledger_snapshot', 'ledger_closing', 'ledger_seal']
    LOOP
        EXECUTE format('REVOKE ALL ON %I FROM %I', v_table, p_role);
        EXECUTE format('GRANT SELECT ON %I TO %I', v_table, p_role);
    END LOOP;
    EXECUTE format(
        'GRANT EXECUTE ON FUNCTION ledger_post(jsonb), ledger_post_many(jsonb),'
        ' ledger_open_accounts(text, jsonb, boolean), ledger_take_checkpoints(bigint, bigint),'
        ' ledger_seal(bigint, int), ledger_close_days(text, date, timestamptz, text),'
        ' ledger_snapshot_day(bigint), ledger_keep_closing(bigint, text, text, text, text, text)'
        ' TO %I', p_role);
END $$;
REVOKE EXECUTE ON PROCEDURE ledger_admit(name) FROM PUBLIC;

-- What Django's models cannot say about the tables.

-- A line agrees with its account in asset and marketplace, and with its entry in marketplace.
ALTER TABLE ledger_account
    ADD CONSTRAINT account_for_lines UNIQUE (id, asset, marketplace_id);
ALTER TABLE ledger_entry
    ADD CONSTRAINT entry_for_lines UNIQUE (id, marketplace_id);
ALTER TABLE ledger_posting
    ADD CONSTRAINT posting_of_account FOREIGN KEY (account_id, asset, marketplace_id)
        REFERENCES ledger_account (id, asset, marketplace_id),
    ADD CONSTRAINT posting_of_entry FOREIGN KEY (entry_id, marketplace_id)
        REFERENCES ledger_entry (id, marketplace_id);

-- Numbers rise in the order of writing. A writer has its transaction id before it takes a number,
-- so once all transactions of an instant are over, nothing can appear below the numbers of then.
ALTER TABLE ledger_entry ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY;
ALTER TABLE ledger_posting ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;

-- Lines are written only in their entry's own transaction.
ALTER TABLE ledger_entry
    ADD COLUMN transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id();

-- Balances are updated in place: half of each page is free for the next version of its rows.
ALTER TABLE ledger_balance SET (fillfactor = 50);

-- Ids compare byte by byte, so their first index serves patterns too.
DO $$
DECLARE v_index text;
BEGIN
    FOR v_index IN
        SELECT indexname FROM pg_indexes
        WHERE schemaname = current_schema() AND indexname LIKE 'ledger\_%\_like'
    LOOP
        EXECUTE format('DROP INDEX %I', v_index);
    END LOOP;
END $$;

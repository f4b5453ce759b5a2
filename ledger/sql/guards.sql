-- What holds in the books whoever writes: the functions of post.sql, or a hand in psql.
--
-- Plain triggers and not pgtrigger's, which any session can switch off with a setting. Refusals
-- have SQLSTATE OH006, the sums OH004 and closed days OH003 as in post.sql. ledger/checks.py
-- fails when one of these triggers is missing or disabled.

CREATE OR REPLACE FUNCTION ledger_guard_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'OH006',
        MESSAGE = format('%s may not be written over: no %s', TG_TABLE_NAME, TG_OP);
END $$;

-- Entries, lines, closed days and seals are kept as they were written.
CREATE OR REPLACE TRIGGER ledger_kept BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_kept();
CREATE OR REPLACE TRIGGER ledger_kept BEFORE UPDATE OR DELETE ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_kept();
CREATE OR REPLACE TRIGGER ledger_kept BEFORE UPDATE OR DELETE ON ledger_period
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_kept();
CREATE OR REPLACE TRIGGER ledger_kept BEFORE UPDATE OR DELETE ON ledger_snapshot
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_kept();
CREATE OR REPLACE TRIGGER ledger_kept BEFORE UPDATE OR DELETE ON ledger_seal
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_kept();
CREATE OR REPLACE TRIGGER ledger_kept BEFORE DELETE ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_kept();
CREATE OR REPLACE TRIGGER ledger_kept BEFORE DELETE ON ledger_balance
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_kept();

CREATE OR REPLACE TRIGGER ledger_not_emptied BEFORE TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard_kept();
CREATE OR REPLACE TRIGGER ledger_not_emptied BEFORE TRUNCATE ON ledger_posting
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard_kept();
CREATE OR REPLACE TRIGGER ledger_not_emptied BEFORE TRUNCATE ON ledger_period
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard_kept();
CREATE OR REPLACE TRIGGER ledger_not_emptied BEFORE TRUNCATE ON ledger_snapshot
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard_kept();
CREATE OR REPLACE TRIGGER ledger_not_emptied BEFORE TRUNCATE ON ledger_seal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard_kept();
CREATE OR REPLACE TRIGGER ledger_not_emptied BEFORE TRUNCATE ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard_kept();
CREATE OR REPLACE TRIGGER ledger_not_emptied BEFORE TRUNCATE ON ledger_balance
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard_kept();

-- An entry at commit: two lines or more, zero per asset, not dated into a closed day; every line
-- of a live account is part of its balance's history, every hold is open while it holds money.
CREATE OR REPLACE FUNCTION ledger_guard_entry() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_lines bigint; v_unbalanced boolean; v_untold boolean; v_open boolean;
BEGIN
    SELECT coalesce(sum(s.lines), 0), bool_or(s.total <> 0), bool_or(s.untold), bool_or(s.open)
    INTO v_lines, v_unbalanced, v_untold, v_open
    FROM (
        SELECT count(*) AS lines, sum(p.amount) AS total,
               bool_or((p.account_version IS NULL) <> (a.mode = 'rollup')
                       OR p.account_version > b.version) AS untold,
               bool_or(a.kind IN ('reserved', 'escrow', 'pending')
                       AND a.open <> (b.amount <> 0)) AS open
        FROM ledger_posting p
        CROSS JOIN LATERAL (
            SELECT a.mode, a.kind, a.open FROM ledger_account a
            WHERE a.id = p.account_id LIMIT 1
        ) AS a
        LEFT JOIN LATERAL (
            SELECT b.amount, b.version FROM ledger_balance b
            WHERE b.account_id = p.account_id LIMIT 1
        ) AS b ON true
        WHERE p.entry_id = NEW.id
        GROUP BY p.asset
    ) AS s;
    IF v_lines < 2 OR v_unbalanced THEN
        RAISE EXCEPTION USING ERRCODE = 'OH004',
            MESSAGE = format('entry %s does not sum to zero per asset', NEW.id);
    ELSIF v_untold THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('entry %s has lines that no balance tells of', NEW.id);
    ELSIF v_open THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('entry %s leaves a hold wrongly open or closed', NEW.id);
    ELSIF NEW.kind <> ALL (ledger_entry_kinds()) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('entry %s is of an unknown kind', NEW.id);
    ELSIF NEW.transaction_id <> pg_current_xact_id() THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('entry %s names another transaction', NEW.id);
    ELSIF EXISTS (
        SELECT FROM ledger_period p
        WHERE p.marketplace_id = NEW.marketplace_id
          AND p.day >= (NEW.effective_at AT TIME ZONE 'UTC')::date
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH003',
            MESSAGE = format('entry %s is dated into a closed day', NEW.id);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS ledger_entry_balances ON ledger_entry;
CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_guard_entry();

-- Lines come in the transaction of their entry and never later.
CREATE OR REPLACE FUNCTION ledger_guard_lines() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT entry_id FROM fresh) f
        LEFT JOIN LATERAL (
            SELECT e.id FROM ledger_entry e
            WHERE e.id = f.entry_id AND e.transaction_id = pg_current_xact_id() LIMIT 1
        ) AS e ON true
        WHERE e.id IS NULL
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = 'a line was added to an entry of another transaction';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER ledger_lines_with_entry AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard_lines();

-- A balance moves by exactly one line: the next version, by that line's amount, to its balance.
CREATE OR REPLACE FUNCTION ledger_guard_balance() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF EXISTS (
        SELECT FROM was
        LEFT JOIN fresh ON fresh.account_id = was.account_id AND fresh.side = was.side
            AND fresh.floor IS NOT DISTINCT FROM was.floor AND fresh.version = was.version + 1
        LEFT JOIN LATERAL (
            SELECT p.id FROM ledger_posting p
            WHERE p.account_id = fresh.account_id AND p.account_version = fresh.version
              AND p.balance_after = fresh.amount
              AND p.amount * was.side = fresh.amount - was.amount LIMIT 1
        ) AS p ON true
        WHERE p.id IS NULL
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = 'a balance changes only with a line that says so';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER ledger_balance_with_lines AFTER UPDATE ON ledger_balance
    REFERENCING OLD TABLE AS was NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard_balance();

CREATE OR REPLACE FUNCTION ledger_guard_new_balance() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF NEW.amount <> 0 OR NEW.version <> 0 OR NOT EXISTS (
        SELECT FROM ledger_account a
        WHERE a.id = NEW.account_id AND a.mode = 'live' AND a.side = NEW.side
          AND a.floor IS NOT DISTINCT FROM NEW.floor
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = 'a balance begins at zero, as its account says';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER ledger_balance_begins AFTER INSERT ON ledger_balance
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_new_balance();

-- Of an account nothing changes but whether it is open.
CREATE OR REPLACE FUNCTION ledger_guard_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'open' <> to_jsonb(OLD) - 'open' THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('account %s stays what it is', OLD.id);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER ledger_account_stays BEFORE UPDATE ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_identity();

-- An account at commit: it is as the chart says, its user is of the same marketplace, live ones
-- have a balance, and holds are open while there is money in them.
CREATE OR REPLACE FUNCTION ledger_guard_account() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM ledger_account a
        LEFT JOIN ledger_balance b ON b.account_id = a.id
        WHERE a.id = NEW.id AND (a.mode = 'live') = (b.account_id IS NOT NULL)
          AND (a.kind NOT IN ('reserved', 'escrow', 'pending') OR a.open = (b.amount <> 0))
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('account %s does not agree with its balance', NEW.id);
    ELSIF TG_OP = 'UPDATE' THEN
        RETURN NULL; -- the rest cannot have changed
    ELSIF NOT EXISTS (
        SELECT FROM ledger_chart() c
        WHERE c.kind = NEW.kind AND c.side = NEW.side AND c.mode = NEW.mode
          AND c.floor IS NOT DISTINCT FROM NEW.floor AND c.owned = (NEW.owner <> '')
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('account %s is not in the chart', NEW.id);
    ELSIF (SELECT u.marketplace_id FROM users_user u WHERE u.id = NEW.user_id)
        <> NEW.marketplace_id THEN
        RAISE EXCEPTION USING ERRCODE = 'OH006',
            MESSAGE = format('account %s is of another marketplace than its user', NEW.id);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS ledger_account_agrees ON ledger_account;
CREATE CONSTRAINT TRIGGER ledger_account_agrees AFTER INSERT OR UPDATE ON ledger_account
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_guard_account();

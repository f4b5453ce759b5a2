-- Days that are closed, and what the books held at an instant.
--
-- A day is closed in two steps. First its row is there: from then on nothing is dated into it.
-- When every transaction that began before has ended, what every account did on it is written down
-- once (ledger_snapshot_day), and signed (ledger_closing).

-- Close all days of a marketplace up to one, without gaps; answers the first, or null when the
-- last one was closed already or there is nothing in the books.
CREATE OR REPLACE FUNCTION ledger_close_days(
    p_marketplace text, p_through date, p_at timestamptz, p_by text
) RETURNS date LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_first date;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger_close ' || p_marketplace, 0));
    v_first := coalesce(
        (SELECT max(p.day) + 1 FROM ledger_period p WHERE p.marketplace_id = p_marketplace),
        (SELECT (min(e.effective_at) AT TIME ZONE 'UTC')::date FROM ledger_entry e
         WHERE e.marketplace_id = p_marketplace));
    IF v_first IS NULL OR v_first > p_through THEN
        RETURN NULL;
    END IF;
    INSERT INTO ledger_period (marketplace_id, day, closed_at, closed_by)
    SELECT p_marketplace, d.day::date, p_at, p_by
    FROM generate_series(v_first::timestamp, p_through::timestamp, interval '1 day') AS d(day);
    RETURN v_first;
END $$;

-- What every account did on a closed day, for accounts that hold something or moved. Opening is
-- the day before's closing; the first closed day has all that is dated before it, too.
CREATE OR REPLACE FUNCTION ledger_snapshot_day(p_period bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_marketplace text;
    v_day date;
    v_before bigint;
    v_from timestamptz := '-infinity';
    v_rows bigint;
BEGIN
    SELECT p.marketplace_id, p.day INTO v_marketplace, v_day
    FROM ledger_period p WHERE p.id = p_period;
    SELECT p.id INTO v_before FROM ledger_period p
    WHERE p.marketplace_id = v_marketplace AND p.day = v_day - 1;
    IF v_before IS NOT NULL THEN
        v_from := v_day::timestamp AT TIME ZONE 'UTC';
    END IF;
    INSERT INTO ledger_snapshot (period_id, account_id, opening, debit, credit, closing)
    SELECT p_period, a.id, coalesce(s.closing, 0), coalesce(m.debit, 0), coalesce(m.credit, 0),
           coalesce(s.closing, 0) + a.side * (coalesce(m.debit, 0) - coalesce(m.credit, 0))
    FROM (
        SELECT p.account_id, coalesce(sum(p.amount) FILTER (WHERE p.amount > 0), 0) AS debit,
               coalesce(-sum(p.amount) FILTER (WHERE p.amount < 0), 0) AS credit
        FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id
        WHERE e.marketplace_id = v_marketplace AND e.effective_at >= v_from
          AND e.effective_at < (v_day + 1)::timestamp AT TIME ZONE 'UTC'
        GROUP BY p.account_id
    ) AS m
    FULL JOIN (
        SELECT s.account_id, s.closing FROM ledger_snapshot s
        WHERE s.period_id = v_before AND s.closing <> 0
    ) AS s ON s.account_id = m.account_id
    JOIN ledger_account a ON a.id = coalesce(m.account_id, s.account_id)
    ORDER BY a.id;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_rows;
END $$;

-- Keep the signed totals of a day: from here on it is closed with all that belongs to it.
CREATE OR REPLACE FUNCTION ledger_keep_closing(
    p_period bigint, p_document text, p_sha256 text, p_key text, p_public_key text,
    p_signature text
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO ledger_closing
        (period_id, document, sha256, key_id, public_key, signature, signed_at)
    VALUES (p_period, p_document, p_sha256, p_key, p_public_key, p_signature, offerhub_now())
$$;

-- What all accounts of each kind held before an instant (null: now), on their normal side. By when
-- things happened ('effective') it begins with the last closed day that has its totals; by when
-- they were booked ('recorded') it says what the books showed then. Planned anew each time.
CREATE OR REPLACE FUNCTION ledger_trial_balance(
    p_marketplace text, p_before timestamptz, p_basis text
) RETURNS TABLE (kind text, asset text, amount numeric)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    v_period bigint;
    v_from timestamptz := '-infinity';
BEGIN
    IF p_before IS NULL THEN
        RETURN QUERY EXECUTE
            'SELECT a.kind::text, a.asset::text,
                    sum(coalesce(b.amount, ledger_rollup_balance(a.id)))
             FROM ledger_account a LEFT JOIN ledger_balance b ON b.account_id = a.id
             WHERE a.marketplace_id = $1 GROUP BY a.kind, a.asset' USING p_marketplace;
        RETURN;
    END IF;
    IF p_basis = 'effective' THEN
        SELECT p.id, (p.day + 1)::timestamp AT TIME ZONE 'UTC' INTO v_period, v_from
        FROM ledger_period p JOIN ledger_closing c ON c.period_id = p.id
        WHERE p.marketplace_id = p_marketplace
          AND (p.day + 1)::timestamp AT TIME ZONE 'UTC' <= p_before
        ORDER BY p.day DESC LIMIT 1;
        v_from := coalesce(v_from, '-infinity');
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT a.kind::text, a.asset::text, sum(n.amount * n.side)
         FROM (
             SELECT s.account_id, s.closing AS amount, 1 AS side
             FROM ledger_snapshot s WHERE s.period_id = $4
             UNION ALL
             SELECT m.account_id, m.amount, a.side
             FROM (
                 SELECT p.account_id, sum(p.amount) AS amount
                 FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id
                 WHERE e.marketplace_id = $1 AND e.%1$I >= $2 AND e.%1$I < $3
                 GROUP BY p.account_id
             ) AS m JOIN ledger_account a ON a.id = m.account_id
         ) AS n JOIN ledger_account a ON a.id = n.account_id
         GROUP BY a.kind, a.asset',
        CASE p_basis WHEN 'recorded' THEN 'recorded_at' ELSE 'effective_at' END)
        USING p_marketplace, v_from, p_before, v_period;
END $$;

-- Signed totals are kept as they were written.
CREATE OR REPLACE TRIGGER ledger_kept BEFORE UPDATE OR DELETE ON ledger_closing
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_kept();
CREATE OR REPLACE TRIGGER ledger_not_emptied BEFORE TRUNCATE ON ledger_closing
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard_kept();

-- Entries come nearly in the order of both their times: tiny indexes, for reports of a period.
CREATE INDEX IF NOT EXISTS ledger_entry_effective ON ledger_entry USING brin (effective_at);
CREATE INDEX IF NOT EXISTS ledger_entry_recorded ON ledger_entry USING brin (recorded_at);

REVOKE EXECUTE ON FUNCTION ledger_close_days(text, date, timestamptz, text),
    ledger_snapshot_day(bigint), ledger_keep_closing(bigint, text, text, text, text, text)
    FROM PUBLIC;

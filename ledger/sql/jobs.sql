-- Background work on finished entries. `p_up_to` comes from ledger/jobs.py, which knows below
-- which number nothing can appear any more.

-- Bring the checkpoints of rollup accounts forward; answers how many moved.
CREATE OR REPLACE FUNCTION ledger_take_checkpoints(p_up_to bigint, p_least bigint DEFAULT 1)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_from bigint := (SELECT coalesce(max(c.posting_id), 0) FROM ledger_checkpoint c);
    v_moved bigint;
BEGIN
    IF p_up_to - v_from < p_least THEN
        RETURN 0;
    END IF;
    INSERT INTO ledger_checkpoint (account_id, posting_id, amount, taken_at)
    SELECT a.id, n.last, coalesce(c.amount, 0) + a.side * n.amount, now()
    FROM (
        SELECT p.account_id, max(p.id) AS last, sum(p.amount) AS amount
        FROM ledger_posting p
        WHERE p.id > v_from AND p.id <= p_up_to AND p.account_version IS NULL
        GROUP BY p.account_id
    ) AS n
    JOIN ledger_account a ON a.id = n.account_id
    LEFT JOIN ledger_checkpoint c ON c.account_id = n.account_id
    ORDER BY a.id
    ON CONFLICT (account_id) DO UPDATE
        SET posting_id = EXCLUDED.posting_id, amount = EXCLUDED.amount, taken_at = now()
        WHERE ledger_checkpoint.posting_id < EXCLUDED.posting_id;
    GET DIAGNOSTICS v_moved = ROW_COUNT;
    RETURN v_moved;
END $$;

-- The digest of a marketplace's entries with these numbers, over the digest of the seal before.
-- Every column and every line counts; times are UTC, so that the session's zone does not.
CREATE OR REPLACE FUNCTION ledger_digest(
    p_previous bytea, p_marketplace text, p_first bigint, p_last bigint,
    OUT entries bigint, OUT digest bytea)
LANGUAGE sql STABLE AS $$
    SELECT count(*), sha256(p_previous || convert_to(coalesce(string_agg(
        jsonb_build_array(
            e.id, e.number, e.kind, e.source, encode(e.fingerprint, 'hex'),
            e.effective_at AT TIME ZONE 'UTC', e.recorded_at AT TIME ZONE 'UTC', e.description,
            e.operation, e.chain_hash, e.chain_ledger, e.reverses_id, e.actor, e.request_id,
            e.meta, l.lines)::text, chr(10) ORDER BY e.number), ''), 'UTF8'))
    FROM ledger_entry e
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_array(
            p.id, p.account_id, p.asset, p.amount, p.balance_after, p.account_version)
            ORDER BY p.id) AS lines
        FROM ledger_posting p WHERE p.entry_id = e.id
    ) AS l
    WHERE e.marketplace_id = p_marketplace AND e.number BETWEEN p_first AND p_last
$$;

-- Seal the next entries, at most so many, of whatever marketplaces they are: one seal for each.
-- Answers how many entries were sealed.
CREATE OR REPLACE FUNCTION ledger_seal(p_up_to bigint, p_most int)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_from bigint;
    v_total bigint := 0;
    v_range record;
    v_previous bytea;
    v_sealed record;
BEGIN
    -- One sealer at a time: the chains do not fork.
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger_seal', 0));
    v_from := (SELECT coalesce(max(s.last_number), 0) FROM ledger_seal s);
    FOR v_range IN
        SELECT n.marketplace_id, min(n.number) AS first, max(n.number) AS last
        FROM (
            SELECT e.marketplace_id, e.number FROM ledger_entry e
            WHERE e.number > v_from AND e.number <= p_up_to ORDER BY e.number LIMIT p_most
        ) AS n
        GROUP BY n.marketplace_id ORDER BY n.marketplace_id
    LOOP
        v_previous := coalesce((
            SELECT s.digest FROM ledger_seal s WHERE s.marketplace_id = v_range.marketplace_id
            ORDER BY s.first_number DESC LIMIT 1), '');
        v_sealed := ledger_digest(
            v_previous, v_range.marketplace_id, v_range.first, v_range.last);
        INSERT INTO ledger_seal
            (marketplace_id, first_number, last_number, entries, previous, digest)
        VALUES (v_range.marketplace_id, v_range.first, v_range.last, v_sealed.entries,
                v_previous, v_sealed.digest);
        v_total := v_total + v_sealed.entries;
    END LOOP;
    RETURN v_total;
END $$;

REVOKE EXECUTE ON FUNCTION ledger_take_checkpoints(bigint, bigint),
    ledger_seal(bigint, int) FROM PUBLIC;

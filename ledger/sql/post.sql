-- Posting. The only way in which the books are written.
--
-- Refusals have SQLSTATEs of their own; ledger/services.py translates them:
--   OH001 a floor would be passed; the detail is JSON: account, asset, available, requested
--   OH002 the source is in the books with other content
--   OH003 dated into a closed day
--   OH004 does not sum to zero per asset, or has fewer than two lines
--   OH005 a request that no service may make (an unknown kind, another user's account)
--   OH006 a guard: something was written past these functions
--
-- The functions run with their owner's rights, so that a role which may not write the tables can
-- post. Their plans are made once and must be right for every size: a plan that is cached while
-- the tables are empty would otherwise scan them for as long as the connection lives. Hence the
-- settings, and every row is looked up in a LATERAL subquery with LIMIT 1, which PostgreSQL can
-- neither turn around nor read in one go.

-- Make the accounts that are missing. Two callers that make the same accounts wait for each other
-- in the order of their names and then share them.
CREATE OR REPLACE FUNCTION ledger_open_accounts(
    p_marketplace text, p_lines jsonb, p_in_use boolean DEFAULT false
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    WITH wanted AS (
        SELECT DISTINCT ON (l.kind, l.owner, l.asset)
            l.owner, l.asset, l."user", c.kind, c.side, c.mode, c.floor, c.hold
        FROM jsonb_to_recordset(p_lines) AS l(
            kind text COLLATE "C", owner text COLLATE "C", asset text COLLATE "C", "user" text)
        JOIN ledger_chart() c ON c.kind = l.kind
        ORDER BY l.kind, l.owner, l.asset
    ), made AS (
        INSERT INTO ledger_account
            (id, marketplace_id, kind, owner, asset, user_id, side, floor, mode, open)
        SELECT ledger_new_id('acc'), p_marketplace, w.kind, w.owner, w.asset, w."user",
               w.side, w.floor, w.mode, p_in_use OR NOT w.hold
        FROM wanted w
        LEFT JOIN LATERAL (
            SELECT a.id FROM ledger_account a
            WHERE a.marketplace_id = p_marketplace AND a.kind = w.kind
              AND a.owner = w.owner AND a.asset = w.asset LIMIT 1
        ) AS known ON true
        WHERE known.id IS NULL
        ORDER BY w.kind, w.owner, w.asset
        ON CONFLICT (marketplace_id, kind, owner, asset) DO NOTHING
        RETURNING id, side, floor, mode
    )
    INSERT INTO ledger_balance (account_id, amount, version, side, floor)
    SELECT id, 0, 0, side, floor FROM made WHERE mode = 'live';
END $$;

-- Post one entry: {id, marketplace, kind, source, lines: [{kind, owner, asset, user, amount}],
-- effective_at, description, operation, chain_hash, chain_ledger, reverses, actor, request_id,
-- meta}. Amounts are stroops, debit > 0. Everything but marketplace, kind, source and lines may
-- be left out. Answers the entry, and whether it was there before.
CREATE OR REPLACE FUNCTION ledger_post(p_entry jsonb, OUT entry_id text, OUT replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    v_marketplace text := p_entry ->> 'marketplace';
    v_source text := p_entry ->> 'source';
    v_fingerprint bytea;
    v_lines int := jsonb_array_length(p_entry -> 'lines');
    v_hash text := coalesce(p_entry ->> 'chain_hash', '');
    v_meta jsonb := coalesce(p_entry -> 'meta', '{}');
    v_recorded timestamptz;
    v_effective timestamptz;
    -- One element per line, in the order of account ids: the order in which rows are locked.
    v_ids text[];
    v_assets text[];
    v_amounts bigint[];
    v_after bigint[];
    v_versions bigint[];
    v_holds boolean[];
    v_opened text[];
    v_closed text[];
    v_short int;
    v_unbalanced boolean;
    v_foreign boolean;
    v_row record;
    i int;
BEGIN
    FOR v_try IN 1..2 LOOP
        SELECT array_agg(s.id), array_agg(s.asset), array_agg(s.amount),
               array_agg(s.hold), bool_or(s.total <> 0 OR s.amount = 0), bool_or(s.elsewhere)
        INTO v_ids, v_assets, v_amounts, v_holds, v_unbalanced, v_foreign
        FROM (
            SELECT a.id, l.asset, l.amount, sum(l.amount) OVER (PARTITION BY l.asset) AS total,
                   l."user" IS NOT NULL AND a.user_id <> l."user" AS elsewhere,
                   l.kind IN ('reserved', 'escrow', 'pending') AS hold
            FROM jsonb_to_recordset(p_entry -> 'lines') AS l(
                kind text COLLATE "C", owner text COLLATE "C", asset text COLLATE "C",
                "user" text COLLATE "C", amount bigint)
            CROSS JOIN LATERAL (
                SELECT a.id, a.user_id FROM ledger_account a
                WHERE a.marketplace_id = v_marketplace AND a.kind = l.kind
                  AND a.owner = l.owner AND a.asset = l.asset LIMIT 1
            ) AS a
            ORDER BY a.id
        ) AS s;
        EXIT WHEN cardinality(v_ids) = v_lines OR v_try = 2;
        PERFORM ledger_open_accounts(v_marketplace, p_entry -> 'lines', true);
    END LOOP;

    IF v_lines < 2 OR v_unbalanced THEN
        RAISE EXCEPTION USING ERRCODE = 'OH004',
            MESSAGE = format('%s does not sum to zero per asset', v_source);
    ELSIF cardinality(v_ids) IS DISTINCT FROM v_lines OR v_foreign THEN
        RAISE EXCEPTION USING ERRCODE = 'OH005',
            MESSAGE = format('%s names an account that it may not', v_source);
    END IF;

    -- What the entry says, apart from who told it and when: equal content, equal fingerprint.
    v_fingerprint := sha256(convert_to(concat_ws(
        '|', p_entry ->> 'kind', v_hash, p_entry ->> 'reverses', v_ids, v_amounts), 'UTF8'));
    SELECT e.id, true INTO entry_id, replayed FROM ledger_entry e
    WHERE e.marketplace_id = v_marketplace AND e.source = v_source
      AND e.fingerprint = v_fingerprint;
    IF FOUND THEN
        RETURN;
    END IF;

    v_after := array_fill(NULL::bigint, ARRAY[v_lines]);
    v_versions := v_after;
    FOR v_row IN
        SELECT n.place, b.amount, b.version, b.floor, b.side
        FROM unnest(v_ids) WITH ORDINALITY AS n(id, place)
        CROSS JOIN LATERAL (
            SELECT b.amount, b.version, b.floor, b.side FROM ledger_balance b
            WHERE b.account_id = n.id LIMIT 1 FOR NO KEY UPDATE
        ) AS b
    LOOP
        i := v_row.place;
        v_after[i] := v_row.amount + v_row.side * v_amounts[i];
        v_versions[i] := v_row.version + 1;
        IF v_after[i] < v_row.floor THEN
            v_short := coalesce(v_short, i);
        END IF;
        IF v_holds[i] AND v_row.amount = 0 THEN
            v_opened := v_opened || v_ids[i];
        ELSIF v_holds[i] AND v_after[i] = 0 THEN
            v_closed := v_closed || v_ids[i];
        END IF;
    END LOOP;

    -- The time is read under the locks: on a live account it rises with the version.
    v_recorded := clock_timestamp() + (SELECT ahead FROM offerhub_clock);
    v_effective := coalesce((p_entry ->> 'effective_at')::timestamptz, v_recorded);
    IF EXISTS (
        SELECT FROM ledger_period p
        WHERE p.marketplace_id = v_marketplace
          AND p.day >= (v_effective AT TIME ZONE 'UTC')::date
    ) THEN
        IF v_hash = '' THEN
            RAISE EXCEPTION USING ERRCODE = 'OH003',
                MESSAGE = format('%s is dated %s, a closed day', v_source, v_effective::date);
        END IF;
        -- What the chain did cannot be refused: it is posted today and keeps its true time.
        v_meta := v_meta || jsonb_build_object('effectiveAt', v_effective);
        v_effective := v_recorded;
    END IF;

    INSERT INTO ledger_entry (
        id, marketplace_id, kind, source, fingerprint, effective_at, recorded_at, description,
        operation, chain_hash, chain_ledger, reverses_id, actor, request_id, meta)
    VALUES (
        coalesce(p_entry ->> 'id', ledger_new_id('ent')), v_marketplace, p_entry ->> 'kind',
        v_source, v_fingerprint, v_effective, v_recorded,
        coalesce(p_entry ->> 'description', ''), coalesce(p_entry ->> 'operation', ''),
        v_hash, (p_entry ->> 'chain_ledger')::bigint, p_entry ->> 'reverses',
        coalesce(p_entry ->> 'actor', ''), coalesce(p_entry ->> 'request_id', ''), v_meta)
    ON CONFLICT (marketplace_id, source) DO NOTHING
    RETURNING id, false INTO entry_id, replayed;
    IF NOT FOUND THEN
        SELECT e.id, true INTO entry_id, replayed FROM ledger_entry e
        WHERE e.marketplace_id = v_marketplace AND e.source = v_source
          AND e.fingerprint = v_fingerprint;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'OH002',
                MESSAGE = format('%s is in the books with other content', v_source);
        END IF;
        RETURN;
    END IF;

    IF v_short IS NOT NULL THEN
        PERFORM ledger_refuse_shortage(v_ids[v_short], v_amounts[v_short]);
    END IF;

    INSERT INTO ledger_posting
        (marketplace_id, entry_id, account_id, asset, amount, balance_after, account_version)
    SELECT v_marketplace, entry_id, n.account, n.asset, n.amount, n.after, n.version
    FROM unnest(v_ids, v_assets, v_amounts, v_after, v_versions)
        AS n(account, asset, amount, after, version);

    UPDATE ledger_balance b SET
        amount = v_after[array_position(v_ids, b.account_id::text)],
        version = v_versions[array_position(v_ids, b.account_id::text)]
    WHERE b.account_id = ANY (v_ids);

    IF v_opened IS NOT NULL THEN
        UPDATE ledger_account a SET open = true WHERE a.id = ANY (v_opened) AND NOT a.open;
    END IF;
    IF v_closed IS NOT NULL THEN
        UPDATE ledger_account a SET open = false WHERE a.id = ANY (v_closed) AND a.open;
    END IF;
END $$;

-- Say what was there and what was asked for.
CREATE OR REPLACE FUNCTION ledger_refuse_shortage(p_account text, p_amount bigint) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE v_row record;
BEGIN
    SELECT a.kind, a.owner, a.asset, b.amount - b.floor AS available INTO v_row
    FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id WHERE a.id = p_account;
    RAISE EXCEPTION USING ERRCODE = 'OH001', MESSAGE = 'insufficient funds',
        DETAIL = jsonb_build_object(
            'account', concat_ws(':', v_row.kind, nullif(v_row.owner, '')),
            'asset', v_row.asset, 'available', v_row.available, 'requested', abs(p_amount));
END $$;

-- Post entries in this order. Their accounts are made and locked beforehand in the order of their
-- ids over the whole batch: batches then wait for each other and do not deadlock.
CREATE OR REPLACE FUNCTION ledger_post_many(p_entries jsonb)
RETURNS TABLE (entry_id text, replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    v_group record;
    v_ids text[];
BEGIN
    FOR v_group IN
        SELECT e.value ->> 'marketplace' AS marketplace, jsonb_agg(l.value) AS lines
        FROM jsonb_array_elements(p_entries) e, jsonb_array_elements(e.value -> 'lines') l
        GROUP BY 1 ORDER BY 1
    LOOP
        PERFORM ledger_open_accounts(v_group.marketplace, v_group.lines, true);
        v_ids := v_ids || ARRAY(
            SELECT a.id FROM jsonb_to_recordset(v_group.lines)
                AS l(kind text COLLATE "C", owner text COLLATE "C", asset text COLLATE "C")
            CROSS JOIN LATERAL (
                SELECT a.id FROM ledger_account a
                WHERE a.marketplace_id = v_group.marketplace AND a.kind = l.kind
                  AND a.owner = l.owner AND a.asset = l.asset LIMIT 1
            ) AS a)::text[];
    END LOOP;
    v_ids := ARRAY(SELECT DISTINCT id COLLATE "C" FROM unnest(v_ids) AS n(id) ORDER BY 1);
    PERFORM FROM unnest(v_ids) AS n(id)
    CROSS JOIN LATERAL (
        SELECT FROM ledger_balance b WHERE b.account_id = n.id LIMIT 1 FOR NO KEY UPDATE
    ) AS b;
    RETURN QUERY
        SELECT p.entry_id, p.replayed
        FROM jsonb_array_elements(p_entries) WITH ORDINALITY AS e(entry, place),
             LATERAL ledger_post(e.entry) AS p
        ORDER BY e.place;
END $$;

-- Only who is admitted may post; see ledger_admit in roles.sql.
REVOKE EXECUTE ON FUNCTION ledger_post(jsonb), ledger_post_many(jsonb),
    ledger_open_accounts(text, jsonb, boolean) FROM PUBLIC;

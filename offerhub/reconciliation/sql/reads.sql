-- Reads that checking needs. None of them locks anything.

-- A deposit's name in the books, as Deposit.source says it.
CREATE OR REPLACE FUNCTION reconciliation_source(d deposits_deposit) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT concat_ws(':', 'deposit', d.network, d.operation, d.address, d.asset_code,
                     nullif(d.asset_issuer, ''), d.index)
$$;

-- Where each entry of a sealed range stands, and a short digest of everything it says. A seal
-- proves that something in its range was changed; these find what.
CREATE OR REPLACE FUNCTION reconciliation_leaves(p_marketplace text, p_first bigint, p_last bigint)
RETURNS TABLE (number bigint, entry_id text, leaf bigint) LANGUAGE sql STABLE AS $$
    SELECT e.number, e.id, ('x' || left(encode(sha256(convert_to(jsonb_build_array(
        e.id, e.number, e.kind, e.source, encode(e.fingerprint, 'hex'),
        e.effective_at AT TIME ZONE 'UTC', e.recorded_at AT TIME ZONE 'UTC', e.description,
        e.operation, e.chain_hash, e.chain_ledger, e.reverses_id, e.actor, e.request_id,
        e.meta, l.lines)::text, 'UTF8')), 'hex'), 16))::bit(64)::bigint
    FROM ledger_entry e
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_array(
            p.id, p.account_id, p.asset, p.amount, p.balance_after, p.account_version)
            ORDER BY p.id) AS lines
        FROM ledger_posting p WHERE p.entry_id = e.id
    ) AS l
    WHERE e.marketplace_id = p_marketplace AND e.number BETWEEN p_first AND p_last
    ORDER BY e.number
$$;

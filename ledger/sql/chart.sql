-- The chart of accounts for the database; ledger/chart.py says the same and a test compares.
CREATE OR REPLACE FUNCTION ledger_chart() RETURNS TABLE (
    kind text, element text, side smallint, mode text, floor bigint, owned boolean, hold boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    VALUES
        ('wallet',               'asset',      1::smallint, 'live',   0::bigint, true, false),
        ('platform',             'asset',      1, 'live',   NULL, true, false),
        ('contract',             'asset',      1, 'live',   0, true, false),
        ('xlm',                  'asset',      1, 'rollup', NULL, true, false),
        ('available',            'liability', -1, 'live',   0, true, false),
        ('reserved',             'liability', -1, 'live',   0, true, true),
        ('escrow',               'liability', -1, 'live',   0, true, true),
        ('pending',              'liability', -1, 'live',   0, true, true),
        ('suspense',             'liability', -1, 'rollup', NULL, false, false),
        ('revenue:platform_fee', 'revenue',   -1, 'rollup', NULL, false, false),
        ('expense:network_fee',  'expense',    1, 'rollup', NULL, false, false),
        ('expense:protocol_fee', 'expense',    1, 'rollup', NULL, false, false),
        ('owner:capital',        'equity',    -1, 'rollup', NULL, false, false),
        ('adjustment',           'expense',    1, 'rollup', NULL, true, false)
$$;

-- What an entry can tell, as in ledger/kinds.py. Looked at by the guard and not by a CHECK, which
-- PostgreSQL would parse anew for every insert.
CREATE OR REPLACE FUNCTION ledger_entry_kinds() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY[
        'deposit', 'suspense', 'reserve', 'unreserve', 'fund', 'release', 'refund', 'split',
        'withdrawal_requested', 'withdrawal_returned', 'withdrawal_confirmed', 'network_fee',
        'capital', 'fee_money', 'adjustment', 'reversal']
$$;

-- A public id as offerhub.core.ids makes them: prefix, then a UUID version 7 in Crockford's
-- base 32. The 130 bits of 26 digits: 50 of milliseconds, then two halves of 40.
CREATE OR REPLACE FUNCTION ledger_new_id(prefix text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_time bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
    v_noise text := encode(uuid_send(gen_random_uuid()), 'hex');
    v_first bigint := ('x' || substr(v_noise, 1, 10))::bit(40)::bigint;
    v_second bigint := ('x' || substr(v_noise, 19, 10))::bit(40)::bigint;
BEGIN
    -- version 7, twelve random bits, variant 2, twenty-two random bits
    v_first := (7::bigint << 36) | (v_first & 68702699520) | (2 << 22) | (v_first & 4194303);
    RETURN prefix || '_' || (
        SELECT string_agg(
            substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + (31 & CASE
                WHEN i < 10 THEN v_time >> (45 - 5 * i)
                WHEN i < 18 THEN v_first >> (85 - 5 * i)
                ELSE v_second >> (125 - 5 * i)
            END)::int, 1), '' ORDER BY i)
        FROM generate_series(0, 25) AS i
    );
END $$;

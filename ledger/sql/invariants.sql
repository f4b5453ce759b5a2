-- What must hold in the books at every instant. Each query answers the rows that break a fact; the
-- two comment lines before it are its name and the fact. Read by ledger/invariants.py, which puts
-- a marketplace's id in, or an empty text for all. Sums are on the debit side unless they are
-- compared with balances, which stand on their account's normal side.

-- entries_sum_to_zero
-- The lines of an entry sum to zero per asset.
SELECT p.entry_id, p.asset, sum(p.amount) AS total FROM ledger_posting p
WHERE %(marketplace)s IN ('', p.marketplace_id)
GROUP BY p.entry_id, p.asset HAVING sum(p.amount) <> 0;

-- entries_have_lines
-- An entry has two lines or more.
SELECT e.id AS entry_id, count(p.id) AS lines
FROM ledger_entry e LEFT JOIN ledger_posting p ON p.entry_id = e.id
WHERE %(marketplace)s IN ('', e.marketplace_id) GROUP BY e.id HAVING count(p.id) < 2;

-- lines_belong
-- A line agrees with its account in asset and marketplace, and with its entry.
SELECT p.id AS posting_id, p.entry_id, p.account_id FROM ledger_posting p
LEFT JOIN ledger_account a ON a.id = p.account_id
    AND a.asset = p.asset AND a.marketplace_id = p.marketplace_id
LEFT JOIN ledger_entry e ON e.id = p.entry_id AND e.marketplace_id = p.marketplace_id
WHERE %(marketplace)s IN ('', p.marketplace_id) AND (a.id IS NULL OR e.id IS NULL);

-- entries_are_as_told
-- An entry's fingerprint is that of its kind, chain hash and lines.
SELECT e.id AS entry_id, e.source FROM ledger_entry e
CROSS JOIN LATERAL (
    SELECT array_agg(p.account_id::text ORDER BY p.account_id) AS accounts,
           array_agg(p.amount ORDER BY p.account_id) AS amounts
    FROM ledger_posting p WHERE p.entry_id = e.id
) AS l
WHERE %(marketplace)s IN ('', e.marketplace_id) AND e.fingerprint <> sha256(convert_to(concat_ws(
    '|', e.kind, e.chain_hash, e.reverses_id, l.accounts, l.amounts), 'UTF8'));

-- balances_equal_lines
-- A live balance is the sum of its lines, and its version their number.
SELECT a.id AS account_id, a.kind, a.owner, b.amount, b.version,
       coalesce(l.total, 0) * a.side AS sum_of_lines, coalesce(l.lines, 0) AS lines
FROM ledger_account a LEFT JOIN ledger_balance b ON b.account_id = a.id
LEFT JOIN (
    SELECT p.account_id, sum(p.amount) AS total, count(*) AS lines
    FROM ledger_posting p WHERE %(marketplace)s IN ('', p.marketplace_id) GROUP BY p.account_id
) AS l ON l.account_id = a.id
WHERE %(marketplace)s IN ('', a.marketplace_id) AND a.mode = 'live' AND (
    b.account_id IS NULL OR b.amount <> coalesce(l.total, 0) * a.side
    OR b.version <> coalesce(l.lines, 0));

-- versions_are_a_chain
-- A live account's versions have no gap and its balances follow its lines; a rollup has neither.
SELECT c.id AS posting_id, c.account_id, c.account_version, c.balance_after FROM (
    SELECT p.id, p.account_id, p.account_version, p.balance_after, p.amount * a.side AS step,
           a.mode, coalesce(lag(p.account_version) OVER chain, 0) AS version_before,
           coalesce(lag(p.balance_after) OVER chain, 0) AS balance_before
    FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
    WHERE %(marketplace)s IN ('', p.marketplace_id)
    WINDOW chain AS (PARTITION BY p.account_id ORDER BY p.account_version, p.id)
) AS c
WHERE CASE WHEN c.mode = 'live'
    THEN c.account_version IS DISTINCT FROM c.version_before + 1
      OR c.balance_after IS DISTINCT FROM c.balance_before + c.step
    ELSE c.account_version IS NOT NULL OR c.balance_after IS NOT NULL END;

-- balances_keep_their_floor
-- No balance is below its account's floor, and the floor is the account's.
SELECT a.id AS account_id, a.kind, a.owner, b.amount, b.floor
FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
WHERE %(marketplace)s IN ('', a.marketplace_id) AND (
    b.amount < a.floor OR b.floor IS DISTINCT FROM a.floor OR b.side <> a.side);

-- accounts_are_charted
-- Every account is as the chart of accounts says.
SELECT a.id AS account_id, a.kind, a.owner, a.side, a.mode, a.floor
FROM ledger_account a LEFT JOIN ledger_chart() c ON c.kind = a.kind
WHERE %(marketplace)s IN ('', a.marketplace_id)
  AND (c.kind IS NULL OR c.side <> a.side OR c.mode <> a.mode
    OR c.floor IS DISTINCT FROM a.floor OR c.owned <> (a.owner <> ''));

-- holds_are_open_while_used
-- A hold is open while there is money in it, and every other account always.
SELECT a.id AS account_id, a.kind, a.owner, a.open, b.amount
FROM ledger_account a LEFT JOIN ledger_balance b ON b.account_id = a.id
JOIN ledger_chart() c ON c.kind = a.kind
WHERE %(marketplace)s IN ('', a.marketplace_id) AND a.open <> (NOT c.hold OR b.amount <> 0);

-- checkpoints_equal_lines
-- A checkpoint is the sum of its account's lines up to it.
SELECT a.id AS account_id, a.kind, c.posting_id, c.amount, l.total * a.side AS sum_of_lines
FROM ledger_checkpoint c JOIN ledger_account a ON a.id = c.account_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(p.amount), 0) AS total FROM ledger_posting p
    WHERE p.account_id = a.id AND p.account_version IS NULL AND p.id <= c.posting_id
) AS l
WHERE %(marketplace)s IN ('', a.marketplace_id) AND c.amount <> l.total * a.side;

-- books_balance
-- Assets = liabilities + equity + revenue − expense, per marketplace and asset.
SELECT a.marketplace_id, a.asset,
       sum(a.side * coalesce(b.amount, ledger_rollup_balance(a.id))) AS difference
FROM ledger_account a LEFT JOIN ledger_balance b ON b.account_id = a.id
WHERE %(marketplace)s IN ('', a.marketplace_id) GROUP BY a.marketplace_id, a.asset
HAVING sum(a.side * coalesce(b.amount, ledger_rollup_balance(a.id))) <> 0;

-- contracts_hold_escrow_and_dust
-- What a contract gains or loses is an order's escrow or dust in suspense, entry by entry.
SELECT p.entry_id, p.asset, sum(p.amount) AS difference
FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
WHERE %(marketplace)s IN ('', p.marketplace_id) AND a.kind IN ('contract', 'escrow', 'suspense')
GROUP BY p.entry_id, p.asset
HAVING bool_or(a.kind IN ('contract', 'escrow')) AND sum(p.amount) <> 0;

-- wallets_hold_what_users_have
-- A user's wallet holds what is available, reserved and pending, and what is in suspense.
SELECT h.account_id, h.owner AS address, h.asset, h.held, coalesce(o.owed, 0) AS owed,
       coalesce(s.others, 0) AS of_others
FROM (
    SELECT a.id AS account_id, a.marketplace_id, a.owner, a.asset, b.amount AS held, w.user_id
    FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
    JOIN users_wallet w ON w.address = a.owner AND w.user_id IS NOT NULL
    WHERE %(marketplace)s IN ('', a.marketplace_id) AND a.kind = 'wallet'
) AS h
LEFT JOIN (
    SELECT a.user_id, a.asset, sum(b.amount) AS owed
    FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
    WHERE %(marketplace)s IN ('', a.marketplace_id)
      AND a.kind IN ('available', 'reserved', 'pending')
    GROUP BY a.user_id, a.asset
) AS o ON o.user_id = h.user_id AND o.asset = h.asset
LEFT JOIN (
    -- What an entry put into a wallet and did not owe to its user: suspense, or a correction of a
    -- difference to the chain.
    SELECT a.id, sum(p.amount + coalesce(u.credited, 0)) AS others
    FROM ledger_entry e
    LEFT JOIN ledger_entry r ON r.id = e.reverses_id
    JOIN ledger_posting p ON p.entry_id = e.id
    JOIN ledger_account a ON a.id = p.account_id AND a.kind = 'wallet'
    LEFT JOIN users_wallet w ON w.address = a.owner
    LEFT JOIN LATERAL (
        SELECT sum(q.amount) AS credited FROM ledger_posting q
        JOIN ledger_account b ON b.id = q.account_id AND b.user_id = w.user_id
        WHERE q.entry_id = e.id AND q.asset = p.asset
    ) AS u ON true
    WHERE %(marketplace)s IN ('', e.marketplace_id)
      AND (e.kind IN ('suspense', 'adjustment') OR r.kind IN ('suspense', 'adjustment'))
    GROUP BY a.id
) AS s ON s.id = h.account_id
WHERE h.held <> coalesce(o.owed, 0) + coalesce(s.others, 0);

-- closed_days_stay
-- No entry that was booked after a day was closed is dated into it.
SELECT e.id AS entry_id, d.day FROM ledger_period d
JOIN ledger_entry e ON e.marketplace_id = d.marketplace_id
    AND (e.effective_at AT TIME ZONE 'UTC')::date = d.day AND e.recorded_at > d.closed_at
WHERE %(marketplace)s IN ('', d.marketplace_id);

-- seals_verify
-- Every seal is the digest of its entries over the seal before it, and leaves none out.
SELECT s.marketplace_id, s.first_number, s.last_number, s.entries, d.entries AS found
FROM (
    SELECT s.*, lag(s.digest) OVER chain AS before, lag(s.last_number) OVER chain AS reached
    FROM ledger_seal s WHERE %(marketplace)s IN ('', s.marketplace_id)
    WINDOW chain AS (PARTITION BY s.marketplace_id ORDER BY s.first_number)
) AS s
CROSS JOIN LATERAL ledger_digest(
    s.previous, s.marketplace_id, s.first_number, s.last_number) AS d
WHERE s.previous <> coalesce(s.before, '') OR d.digest <> s.digest OR d.entries <> s.entries
   OR EXISTS (
       SELECT FROM ledger_entry e WHERE e.marketplace_id = s.marketplace_id
         AND e.number > coalesce(s.reached, 0) AND e.number < s.first_number);

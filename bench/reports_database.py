"""A marketplace with as many postings as wanted, written by SQL as services would leave them."""

from typing import Any

import psycopg

MARKET, USERS, DAYS = "mkt_reports", 10_000, 100

# Every fourth entry is a network fee on two rollups, the others are deposits: half of them of one
# user, the first 10,000 of the rest of another.
_FILL = """
SET session_replication_role = replica;
INSERT INTO marketplaces_marketplace (id, name, platform_fee_percent, version, created_at)
VALUES ('{market}', 'Reports', 0, 0, now());
INSERT INTO users_user (id, marketplace_id, external_id, name, email, metadata, version, created_at)
SELECT 'usr_' || n, '{market}', 'user-' || n, '', '', '{{}}', 0, now()
FROM generate_series(0, {users} - 1) n;
INSERT INTO ledger_account (id, marketplace_id, kind, owner, asset, user_id, side, floor, mode,
    open)
SELECT 'acc_w' || n, '{market}', 'wallet', 'G' || n, 'USDC', NULL, 1, 0, 'live', true
FROM generate_series(0, {users} - 1) n
UNION ALL
SELECT 'acc_a' || n, '{market}', 'available', 'usr_' || n, 'USDC', 'usr_' || n, -1, 0, 'live', true
FROM generate_series(0, {users} - 1) n
UNION ALL VALUES
    ('acc_fee', '{market}', 'expense:network_fee', '', 'XLM', NULL, 1, NULL::bigint, 'rollup',
        true),
    ('acc_xlm', '{market}', 'xlm', 'GFEE', 'XLM', NULL, 1, NULL::bigint, 'rollup', true);
CREATE TEMP TABLE plan AS
SELECT n, n % 4 = 0 AS fee,
    CASE WHEN n % 2 = 1 THEN 0 WHEN n < 40000 THEN 1 ELSE 2 + (n / 2) % ({users} - 2) END AS who,
    100 + n % 9000 AS amount,
    now() - interval '{days} days' + n * (interval '{days} days' / ({entries} + 1)) AS at
FROM generate_series(1, {entries}) n;
INSERT INTO ledger_entry (id, marketplace_id, number, kind, source, fingerprint, effective_at,
    recorded_at, description, operation, chain_hash, chain_ledger, actor, request_id, meta)
OVERRIDING SYSTEM VALUE
SELECT 'ent_' || lpad(n::text, 26, '0'), '{market}', n,
    CASE WHEN fee THEN 'network_fee' ELSE 'deposit' END,
    CASE WHEN fee THEN 'fee:' ELSE 'deposit:sandbox:' END || n, '', at, at,
    CASE WHEN n % 10 = 0 THEN 'Paid by invoice ' || n ELSE '' END, '', lpad(n::text, 64, 'a'), n,
    'system:monitor', '', '{{}}'
FROM plan;
INSERT INTO ledger_posting (id, marketplace_id, entry_id, account_id, asset, amount,
    balance_after, account_version)
OVERRIDING SYSTEM VALUE
SELECT 2 * n - 1, '{market}', 'ent_' || lpad(n::text, 26, '0'),
    CASE WHEN fee THEN 'acc_fee' ELSE 'acc_w' || who END, CASE WHEN fee THEN 'XLM' ELSE 'USDC' END,
    amount, CASE WHEN NOT fee THEN sum(amount) OVER own END,
    CASE WHEN NOT fee THEN row_number() OVER own END
FROM plan WINDOW own AS (PARTITION BY fee, who ORDER BY n)
UNION ALL
SELECT 2 * n, '{market}', 'ent_' || lpad(n::text, 26, '0'),
    CASE WHEN fee THEN 'acc_xlm' ELSE 'acc_a' || who END, CASE WHEN fee THEN 'XLM' ELSE 'USDC' END,
    -amount, CASE WHEN NOT fee THEN sum(amount) OVER own END,
    CASE WHEN NOT fee THEN row_number() OVER own END
FROM plan WINDOW own AS (PARTITION BY fee, who ORDER BY n)
ORDER BY 1;
INSERT INTO ledger_balance (account_id, amount, version, side, floor)
SELECT a.id, coalesce(l.amount, 0), coalesce(l.version, 0), a.side, a.floor FROM ledger_account a
LEFT JOIN (
    SELECT account_id, max(account_version) AS version, sum(abs(amount)) AS amount
    FROM ledger_posting WHERE account_version IS NOT NULL GROUP BY 1
) l ON l.account_id = a.id WHERE a.mode = 'live';
SET session_replication_role = DEFAULT;
SELECT ledger_take_checkpoints((SELECT max(id) FROM ledger_posting) - 100, 1);
VACUUM ANALYZE;
"""


def fill(session: "psycopg.Connection[Any]", postings: int) -> None:
    """Two postings an entry, spread over a hundred days up to now."""
    text = _FILL.format(market=MARKET, users=USERS, days=DAYS, entries=postings // 2)
    for statement in text.split(";\n"):
        if statement.strip():
            session.execute(statement.encode())

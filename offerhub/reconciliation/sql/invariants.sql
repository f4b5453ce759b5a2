-- What must hold between the books and the records that they tell of: deposits, orders,
-- withdrawals, chain operations, wallets, tenants. In the form of ledger/sql/invariants.sql, read
-- by the same code. Each query answers the rows that break a fact.

-- deposits_are_booked
-- Every deposit has its entry: same tenant, transaction, ledger, time, amount and user.
SELECT d.id AS deposit_id, d.marketplace_id, d.address, d.tx_hash, e.id AS entry_id
FROM deposits_deposit d
LEFT JOIN ledger_entry e ON e.marketplace_id = d.marketplace_id
    AND e.source = reconciliation_source(d)
LEFT JOIN LATERAL (
    SELECT sum(p.amount) FILTER (WHERE p.amount > 0 AND a.owner = d.address) AS held,
           bool_or(p.amount < 0 AND a.kind = 'available' AND a.user_id = d.user_id) AS credited
    FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id WHERE p.entry_id = e.id
) AS l ON true
WHERE %(marketplace)s IN ('', d.marketplace_id) AND (
    e.id IS NULL OR l.held IS DISTINCT FROM d.amount OR e.chain_hash <> d.tx_hash
    OR e.chain_ledger <> d.ledger OR (e.kind = 'deposit' AND l.credited IS NOT TRUE)
    OR coalesce((e.meta ->> 'effectiveAt')::timestamptz, e.effective_at) <> d.closed_at);

-- credits_have_deposits
-- Money enters the books by a deposit that was seen on the chain.
SELECT e.id AS entry_id, e.marketplace_id, e.source FROM ledger_entry e
LEFT JOIN deposits_deposit d ON d.marketplace_id = e.marketplace_id
    AND reconciliation_source(d) = e.source
WHERE %(marketplace)s IN ('', e.marketplace_id) AND d.id IS NULL
  AND e.kind IN ('deposit', 'suspense', 'capital') AND e.source NOT LIKE 'suspense:%%';

-- orders_agree_with_accounts
-- An order's state says what is in escrow for it and, of buyers whose key we keep, what is reserved.
SELECT o.id AS order_id, o.marketplace_id, o.status, o.amount,
       coalesce(h.reserved, 0) AS reserved, coalesce(h.escrow, 0) AS escrow
FROM orders_order o
LEFT JOIN orders_escrow x ON x.order_id = o.id
LEFT JOIN (
    SELECT a.marketplace_id, a.owner, sum(b.amount) FILTER (WHERE a.kind = 'reserved') AS reserved,
           sum(b.amount) FILTER (WHERE a.kind = 'escrow') AS escrow
    FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
    WHERE a.kind IN ('reserved', 'escrow') AND b.amount <> 0
      AND %(marketplace)s IN ('', a.marketplace_id)
    GROUP BY a.marketplace_id, a.owner
) AS h ON h.marketplace_id = o.marketplace_id AND h.owner = o.id
WHERE %(marketplace)s IN ('', o.marketplace_id) AND (
    coalesce(h.reserved, 0) <>
        CASE WHEN o.status IN ('RESERVED', 'ESCROW_CREATED') AND NOT o.buyer_external
            THEN o.amount ELSE 0 END
    OR coalesce(h.escrow, 0) <> CASE WHEN o.status IN ('IN_PROGRESS', 'DISPUTED')
        THEN coalesce(x.funded - x.released - x.refunded, 0) ELSE 0 END);

-- escrows_agree_with_milestones
-- An order is the sum of its parts, and its escrow paid what its settled parts are.
SELECT o.id AS order_id, o.marketplace_id, o.amount, m.amount AS of_parts,
       coalesce(x.released + x.refunded, 0) AS paid, m.settled AS settled
FROM orders_order o
JOIN (
    SELECT m.order_id, sum(m.amount) AS amount,
           coalesce(sum(m.amount) FILTER (WHERE m.status IN ('RELEASED', 'REFUNDED')), 0)
               AS settled
    FROM orders_milestone m GROUP BY m.order_id
) AS m ON m.order_id = o.id
LEFT JOIN orders_escrow x ON x.order_id = o.id
WHERE %(marketplace)s IN ('', o.marketplace_id)
  AND (m.amount <> o.amount OR coalesce(x.released + x.refunded, 0) <> m.settled);

-- withdrawals_agree_with_accounts
-- A withdrawal on its way is pending in the books, and one that ended is not.
SELECT w.id AS withdrawal_id, w.marketplace_id, w.status, w.amount,
       coalesce(b.amount, 0) AS pending, e.id AS entry_id
FROM payouts_withdrawal w
LEFT JOIN ledger_account a ON a.marketplace_id = w.marketplace_id AND a.kind = 'pending'
    AND a.owner = w.id
LEFT JOIN ledger_balance b ON b.account_id = a.id
LEFT JOIN ledger_entry e ON e.marketplace_id = w.marketplace_id
    AND e.source = 'withdrawal:' || w.id || ':confirm'
WHERE %(marketplace)s IN ('', w.marketplace_id) AND (
    coalesce(b.amount, 0) <> CASE WHEN w.status IN ('REQUESTED', 'SUBMITTED') THEN w.amount ELSE 0 END
    OR (w.status = 'COMPLETED') <> (e.id IS NOT NULL) OR e.chain_hash <> w.hash);

-- operations_are_booked
-- A confirmed call or payment is in the books once, or once for each withdrawal that it carried.
SELECT o.id AS operation_id, o.marketplace_id, o.kind, o.hash, e.entries,
       coalesce(c.withdrawals, 1) AS expected, e.first AS entry_id
FROM reconciliation_operations() o
LEFT JOIN (
    SELECT e.operation, count(*) AS entries, min(e.id) AS first, min(e.marketplace_id) AS market,
           min(e.chain_hash) AS hash, min(e.chain_ledger) AS ledger,
           min(e.chain_hash) <> max(e.chain_hash) AS torn
    FROM ledger_entry e WHERE e.operation <> '' AND e.kind NOT IN ('network_fee', 'fee_money')
    GROUP BY e.operation
) AS e ON e.operation = o.id
LEFT JOIN (
    SELECT i.payment_id, count(*) AS withdrawals FROM payouts_batchitem i
    WHERE i.payment_id IS NOT NULL AND i.state = 'ENDED' GROUP BY i.payment_id
) AS c ON c.payment_id = o.id
WHERE %(marketplace)s IN ('', o.marketplace_id) AND o.moves AND (
    (o.status = 'CONFIRMED') <> (e.operation IS NOT NULL)
    OR e.entries <> coalesce(c.withdrawals, 1) OR e.torn OR e.hash <> o.hash
    OR e.ledger <> o.ledger OR e.market <> o.marketplace_id);

-- entries_have_operations
-- What the books say of an operation on the chain, an operation of that tenant did.
SELECT e.id AS entry_id, e.marketplace_id, e.kind, e.operation FROM ledger_entry e
LEFT JOIN reconciliation_operations() o
    ON o.id = e.operation AND o.marketplace_id = e.marketplace_id
WHERE %(marketplace)s IN ('', e.marketplace_id) AND (
    (e.operation <> '' AND o.id IS NULL)
    OR (e.operation = '' AND e.chain_hash <> '' AND e.kind <> 'network_fee'
        AND e.source NOT LIKE 'deposit:%%'));

-- tenants_agree
-- Records belong to the marketplace of whom and what they name.
SELECT t.record, t.id, t.marketplace_id, t.other FROM (
    SELECT 'order' AS record, o.id, o.marketplace_id, u.marketplace_id AS other
    FROM orders_order o JOIN users_user u ON u.id IN (o.buyer_id, o.seller_id)
    UNION ALL
    SELECT 'escrow', x.id, x.marketplace_id, o.marketplace_id
    FROM orders_escrow x JOIN orders_order o ON o.id = x.order_id
    UNION ALL
    SELECT 'pledge', o.id, o.marketplace_id, c.marketplace_id
    FROM orders_order o JOIN orders_campaign c ON c.id = o.campaign_id
    UNION ALL
    SELECT 'cycle', s.id, s.marketplace_id, o.marketplace_id
    FROM subscriptions_cycle y JOIN subscriptions_subscription s ON s.id = y.subscription_id
    JOIN orders_order o ON o.id = y.order_id
    UNION ALL
    SELECT 'withdrawal', w.id, w.marketplace_id, u.marketplace_id
    FROM payouts_withdrawal w JOIN users_user u ON u.id = w.user_id
    UNION ALL
    SELECT 'withdrawal', w.id, w.marketplace_id, b.marketplace_id
    FROM payouts_withdrawal w JOIN payouts_batch b ON b.id = w.batch_id
    UNION ALL
    SELECT 'deposit', d.id, d.marketplace_id, u.marketplace_id
    FROM deposits_deposit d JOIN users_user u ON u.id = d.user_id
    UNION ALL
    SELECT 'deposit', d.id, d.marketplace_id, w.marketplace_id
    FROM deposits_deposit d JOIN users_wallet w ON w.address = d.address
    UNION ALL
    SELECT 'wallet', w.id, w.marketplace_id, u.marketplace_id
    FROM users_wallet w JOIN users_user u ON u.id = w.user_id
    UNION ALL
    SELECT 'account', a.id, a.marketplace_id, u.marketplace_id
    FROM ledger_account a JOIN users_user u ON u.id = a.user_id
    UNION ALL
    SELECT 'operation', s.id, s.marketplace_id, w.marketplace_id
    FROM reconciliation_operations() s JOIN users_wallet w ON w.id = s.source_wallet_id
) AS t
WHERE t.marketplace_id <> t.other AND %(marketplace)s IN ('', t.marketplace_id, t.other);

-- accounts_name_their_owners
-- An account's owner is a record of its tenant, and its user is that record's.
SELECT a.id AS account_id, a.marketplace_id, a.kind, a.owner, a.user_id FROM ledger_account a
LEFT JOIN orders_order o ON a.kind IN ('reserved', 'escrow') AND o.id = a.owner
LEFT JOIN payouts_withdrawal w ON a.kind = 'pending' AND w.id = a.owner
LEFT JOIN users_wallet x ON a.kind IN ('wallet', 'platform', 'xlm') AND x.address = a.owner
LEFT JOIN orders_escrow c ON a.kind = 'contract' AND c.contract_id = a.owner
WHERE %(marketplace)s IN ('', a.marketplace_id) AND CASE
    WHEN a.kind = 'available' THEN a.user_id IS DISTINCT FROM a.owner
    WHEN a.kind IN ('reserved', 'escrow') THEN o.id IS NULL
        OR (o.buyer_id, o.marketplace_id) <> (a.user_id, a.marketplace_id)
    WHEN a.kind = 'pending' THEN w.id IS NULL
        OR (w.user_id, w.marketplace_id) <> (a.user_id, a.marketplace_id)
    WHEN a.kind = 'contract' THEN c.id IS NULL OR c.marketplace_id <> a.marketplace_id
    WHEN a.kind IN ('wallet', 'platform', 'xlm') THEN x.id IS NULL
        OR x.marketplace_id <> a.marketplace_id
        OR (a.kind <> 'xlm' AND (a.kind = 'platform') <> (x.kind = 'PLATFORM'))
    ELSE false END;

-- entries_are_dated
-- What the chain did not do is dated when it was booked, and a transaction is in one ledger.
SELECT e.id AS entry_id, e.marketplace_id, e.source, e.effective_at, e.recorded_at
FROM ledger_entry e
WHERE %(marketplace)s IN ('', e.marketplace_id)
  AND e.chain_hash = '' AND e.effective_at <> e.recorded_at;

-- transactions_are_in_one_ledger
-- Entries of one transaction are of one ledger and one time.
SELECT e.chain_hash, count(*) AS entries, min(e.id) AS entry_id,
       min(e.marketplace_id) AS marketplace_id
FROM ledger_entry e WHERE e.chain_hash <> '' AND %(marketplace)s IN ('', e.marketplace_id)
GROUP BY e.chain_hash
HAVING min(e.chain_ledger) <> max(e.chain_ledger)
    OR min(coalesce((e.meta ->> 'effectiveAt')::timestamptz, e.effective_at))
    <> max(coalesce((e.meta ->> 'effectiveAt')::timestamptz, e.effective_at));

"""One look at some balances: what the chain holds, what the books say of that same ledger, and
whether a difference is real.

The chain is read first, at a closed ledger L; then, in one snapshot of the database, the books, how
far the monitor has read, and which signed envelopes have no end yet. What was booked of ledgers
after L is taken off again. Everything of ours up to L is in the books then, if the monitor has read
through L and no envelope of that address is open: whoever signs, commits the envelope before it is
sent, so one that could be in L is either open in the snapshot or booked. Only under these two
conditions is a difference one; otherwise the look decides nothing and is repeated.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from offerhub.chain import holdings
from offerhub.chain.submission import LIVE, Submission
from offerhub.chain.tables import concrete_tables
from offerhub.chain.types import ChainUnavailable
from offerhub.core.db import assert_no_transaction
from offerhub.deposits.models import ChainCursor
from offerhub.reconciliation.targets import Target

# Horizon may show a ledger that the RPC server has not: what was booked from there lately.
RECENT = 5000  # lines


class Verdict(StrEnum):
    """What a look says."""

    EQUAL = "EQUAL"
    UNDECIDED = "UNDECIDED"
    DIFFERENT = "DIFFERENT"


@dataclass(frozen=True)
class Look:
    """Books and chain of one balance at a ledger, in stroops; `why` a look decides nothing."""

    target: Target
    ledger: int
    chain: int
    books: int
    verdict: Verdict
    why: str = ""


def look(targets: Sequence[Target]) -> list[Look]:
    """Compare balances, at most a few hundred. Raises ChainUnavailable.

    One request to the network for each 200 of them, and four statements.
    """
    assert_no_transaction()
    if not targets:
        return []
    before = _state()
    held = holdings.assets((target.owner, target.asset) for target in targets)
    lowest = min(holding.ledger for holding in held.values())
    if lowest < before.ledger - 1:
        raise ChainUnavailable(
            f"the RPC server is at ledger {lowest}, the monitor at {before.ledger}"
        )
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        after, touched = _state(), _touched()
        books = _books(targets, {key: holding.ledger for key, holding in held.items()})
    looks = []
    for target in targets:
        holding = held[target.owner, target.asset]
        verdict, why = _judge(target, holding, books[target], after, touched)
        looks.append(Look(target, holding.ledger, holding.amount, books[target], verdict, why))
    return looks


@dataclass(frozen=True)
class _State:
    """How far the chain was read: `through` is the last ledger that is read to its end."""

    ledger: int
    through: int
    catching_up: bool


def _state() -> _State:
    row = ChainCursor.objects.filter(pk=settings.OFFERHUB_NETWORK).first()
    if row is None:
        return _State(0, 0, False)
    return _State(row.ledger, read_through(row), row.gap_since is not None)


def read_through(row: ChainCursor) -> int:
    """The last ledger of which every event was read.

    A cursor is an event's id with the ledger in its upper half. At a ledger's very end its lower
    half is full, and the next id is of the next ledger.
    """
    head = row.cursor.partition("-")[0]
    return ((int(head) + 1) >> 32) - 1 if head.isdecimal() else row.ledger - 1


def _judge(
    target: Target, holding: holdings.Holding, books: int, state: _State, touched: dict[str, str]
) -> tuple[Verdict, str]:
    difference = holding.amount - books
    if difference == 0 or (target.external and difference > 0):
        return Verdict.EQUAL, ""
    if state.through < holding.ledger:
        why = f"the monitor has read ledger {state.through} of {holding.ledger}"
        return Verdict.UNDECIDED, why
    if state.catching_up:
        return Verdict.UNDECIDED, "the monitor is reading wallets one by one after an outage"
    if operation := touched.get(target.owner):
        return Verdict.UNDECIDED, f"operation {operation} is on its way"
    return Verdict.DIFFERENT, ""


# --- the books at a ledger --------------------------------------------------------------------
_BOOKS = """
WITH asked AS (
    SELECT * FROM unnest(%(markets)s::text[], %(kinds)s::text[], %(owners)s::text[],
                         %(assets)s::text[], %(ledgers)s::bigint[])
        AS t(market, kind, owner, asset, ledger)
), recent AS (
    SELECT p.account_id, e.chain_ledger, p.amount FROM ledger_posting p
    JOIN ledger_entry e ON e.id = p.entry_id
    WHERE p.id > (SELECT coalesce(max(id), 0) - %(recent)s FROM ledger_posting)
      AND e.chain_ledger > %(lowest)s AND e.recorded_at > offerhub_now() - interval '1 hour'
)
SELECT q.market, q.kind, q.owner, q.asset,
       coalesce(b.amount, CASE WHEN a.id IS NULL THEN 0 ELSE ledger_rollup_balance(a.id) END)
       - a.side * coalesce((SELECT sum(r.amount) FROM recent r
                            WHERE r.account_id = a.id AND r.chain_ledger > q.ledger), 0)
FROM asked q
LEFT JOIN ledger_account a ON a.marketplace_id = q.market AND a.kind = q.kind
    AND a.owner = q.owner AND a.asset = q.asset
LEFT JOIN ledger_balance b ON b.account_id = a.id
"""


def _books(targets: Sequence[Target], ledgers: dict[holdings.Held, int]) -> dict[Target, int]:
    """What the books say of each balance as of its ledger. One statement."""
    at = [ledgers[target.owner, target.asset] for target in targets]
    values: dict[str, Any] = {
        "markets": [target.marketplace_id for target in targets],
        "kinds": [target.kind for target in targets],
        "owners": [target.owner for target in targets],
        "assets": [target.asset for target in targets],
        "ledgers": at,
        "lowest": min(at),
        "recent": RECENT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BOOKS, values)
        found = {tuple(row[:4]): int(row[4] or 0) for row in cursor.fetchall()}
    return {
        target: found[target.marketplace_id, target.kind, target.owner, target.asset]
        for target in targets
    }


# --- what is on its way -----------------------------------------------------------------------
def _touched() -> dict[str, str]:
    """Addresses that a signed envelope without an end may have changed, each with its operation.

    One statement over the live rows alone.
    """
    parts = [part for table in concrete_tables() for part in _addresses(table)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), {"live": list(LIVE)})
        return {address: operation for operation, address in cursor.fetchall() if address}


def _addresses(table: type[Submission]) -> Iterator[str]:
    """SELECTs of the addresses that an operation of a table can change: by the names of what the
    table points to."""
    names = {field.name for field in table._meta.fields}
    live = f"FROM {table._meta.db_table} t {{}} WHERE t.status = ANY (%(live)s) AND t.hash <> ''"
    join = live.format("JOIN users_wallet w ON w.id = t.{}_id")
    yield f"SELECT t.id, w.address {join.format('source_wallet')}"
    if "wallet" in names:
        yield f"SELECT t.id, w.address {join.format('wallet')}"
    if "destination" in names:
        yield f"SELECT t.id, t.destination {live.format('')}"
    if "withdrawal" in names:
        paid = live.format("JOIN payouts_withdrawal d ON d.id = t.withdrawal_id")
        yield f"SELECT t.id, d.destination {paid}"
    if "order" in names:
        escrow = live.format("JOIN orders_escrow x ON x.order_id = t.order_id")
        for column in ("contract_id", "buyer_address", "seller_address", "platform_address"):
            yield f"SELECT t.id, x.{column} {escrow}"

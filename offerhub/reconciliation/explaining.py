"""What a difference is made of: both sides transaction by transaction, and whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from offerhub.chain import history, told
from offerhub.chain.tables import concrete_tables
from offerhub.deposits.models import Deposit, QuarantinedEvent
from offerhub.reconciliation.looking import Look
from offerhub.reconciliation.states import DifferenceType
from offerhub.reconciliation.targets import Target

MOST_LINES = 50
MOST_BOOKED = 5000  # lines of the books that are compared, the newest


@dataclass(frozen=True)
class Line:
    """A transaction by which one side changed otherwise than the other, in stroops."""

    hash: str  # "" for an entry that no transaction made
    ledger: int
    chain: int
    books: int
    entry_id: str = ""
    operation_id: str = ""
    what: str = ""

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a difference."""
        return {name: value for name, value in vars(self).items() if value != ""}


@dataclass(frozen=True)
class Explained:
    """What is known of a difference. `since` is the ledger from which on the chain was read."""

    type: DifferenceType
    lines: Sequence[Line]
    since: int

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a difference."""
        return {"since": self.since, "lines": [line.as_json() for line in self.lines]}


def explain(look: Look) -> Explained:
    """Compare the two sides' transactions up to the look's ledger. Raises ChainUnavailable."""
    told = history.changes_of(look.target.owner, look.target.asset)
    booked = _booked(look.target, told.since)
    lines = []
    for name in {*told.changes, *booked}:
        change, entry = told.changes.get(name), booked.get(name)
        chain, books = change.amount if change else 0, entry.amount if entry else 0
        ledger = change.ledger if change else entry.ledger if entry else 0
        if chain != books and ledger <= look.ledger:
            entry_id = entry.entry_id if entry else ""
            transaction = name if change or (entry and entry.ledger) else ""
            lines.append(Line(transaction, ledger, chain, books, entry_id))
    lines.sort(key=lambda line: (-line.ledger, line.hash, line.entry_id))
    shown = [_named(look.target, line) for line in lines[:MOST_LINES]]
    return Explained(_type(look, shown), shown, told.since)


def _type(look: Look, lines: Sequence[Line]) -> DifferenceType:
    if any(line.chain and not line.books for line in lines):
        return DifferenceType.MISSING
    if any(line.books and not line.chain and line.hash for line in lines):
        return DifferenceType.EXTRA
    return DifferenceType.AMOUNT


# --- the books' side --------------------------------------------------------------------------
@dataclass(frozen=True)
class _Entry:
    entry_id: str
    ledger: int
    amount: int


_LINES = """
SELECT e.chain_hash, e.id, coalesce(e.chain_ledger, 0), p.amount * a.side
FROM ledger_account a
JOIN ledger_posting p ON p.account_id = a.id
JOIN ledger_entry e ON e.id = p.entry_id
WHERE a.marketplace_id = %s AND a.kind = %s AND a.owner = %s AND a.asset = %s
  AND coalesce(e.chain_ledger, 0) >= CASE WHEN e.chain_ledger IS NULL THEN 0 ELSE %s END
ORDER BY p.id DESC LIMIT %s
"""


def _booked(target: Target, since: int) -> dict[str, _Entry]:
    """By transaction, and by entry where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            _LINES,
            [
                *(target.marketplace_id, target.kind, target.owner, target.asset),
                *(since, MOST_BOOKED),
            ],
        )
        rows = cursor.fetchall()
    found: dict[str, _Entry] = {}
    for transaction, entry_id, ledger, amount in rows:
        name = transaction or entry_id
        known = found.get(name)
        total = amount + (known.amount if known else 0)
        found[name] = _Entry(entry_id, ledger, total)
    return found


# --- whose it is ------------------------------------------------------------------------------
def _named(target: Target, line: Line) -> Line:
    """With what our records say of the transaction."""
    if not line.hash:
        return Line(**vars(line) | {"what": "booked without a transaction"})
    for table in concrete_tables():
        row = table._base_manager.filter(hash=line.hash).first()
        if row is not None:
            what = f"{table._meta.app_label} {row.kind} {row.status}"
            return Line(**vars(line) | {"operation_id": row.pk, "what": what})
    deposit = Deposit.objects.filter(tx_hash=line.hash, address=target.owner).first()
    if deposit is not None:
        return Line(**vars(line) | {"what": f"deposit {deposit.pk} {deposit.status}"})
    if QuarantinedEvent.objects.filter(tx_hash=line.hash).exists():
        return Line(**vars(line) | {"what": "set aside: it could not be read or booked"})
    if line.books and not line.chain:
        return Line(**vars(line) | {"what": "no such transaction changed it"})
    asked = told.read(told.envelope_of(line.hash))
    return Line(**vars(line) | {"what": f"unknown to our records: {asked.source} {asked}"[:200]})

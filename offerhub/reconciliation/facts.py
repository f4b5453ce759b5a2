"""What must hold between the books and the records they tell of: a list like the books' own."""

from dataclasses import replace
from pathlib import Path

from ledger import invariants
from ledger.invariants import Invariant
from offerhub.chain.tables import concrete_tables

SQL = Path(__file__).resolve().parent / "sql"
# Operations that change nobody's money but the fee that the network takes: what a CLAIM brings is
# booked as the deposit that it is.
MOVE_NOTHING = (
    "CLAIM",
    *("DEPLOY", "COMPLETE", "APPROVE", "DISPUTE"),
    *("BOOTSTRAP", "ACTIVATE", "TOP_UP"),
)
_OPERATIONS = "reconciliation_operations()"
SEALS = "seals_verify"  # checked in parts, see `seals`


def all_facts() -> list[Invariant]:
    """The books' own list but for the seals, then that of this app."""
    own = [
        replace(fact, query=fact.query.replace(_OPERATIONS, operations_sql()))
        for fact in invariants.read(SQL / "invariants.sql")
    ]
    return [fact for fact in invariants.INVARIANTS if fact.name != SEALS] + own


def operations_sql() -> str:
    """Chain operations of every table that there is, as a table expression of SQL."""
    still = ", ".join(f"'{kind}'" for kind in MOVE_NOTHING)
    parts = [
        f"SELECT id, marketplace_id, kind, status, hash, ledger, source_wallet_id,"  # noqa: S608 (our own tables' names)
        f" kind NOT IN ({still}) AS moves FROM {table._meta.db_table}"
        for table in concrete_tables()
    ]
    return f"({' UNION ALL '.join(parts)})"

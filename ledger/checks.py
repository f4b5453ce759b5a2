"""System checks: the books are guarded by triggers, so a database without them may not serve.

They look at the database, hence run with `manage.py check --database default` and at start.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error, Tags, register
from django.db import connections

# Table, trigger: all of sql/guards.sql. A test compares with the file.
GUARDS = frozenset(
    {
        *(
            (f"ledger_{table}", guard)
            for table in ("entry", "posting", "period", "snapshot", "seal", "account", "balance")
            for guard in ("ledger_kept", "ledger_not_emptied")
        ),
        ("ledger_entry", "ledger_entry_balances"),
        ("ledger_posting", "ledger_lines_with_entry"),
        ("ledger_balance", "ledger_balance_with_lines"),
        ("ledger_balance", "ledger_balance_begins"),
        ("ledger_account", "ledger_account_stays"),
        ("ledger_account", "ledger_account_agrees"),
    }
)
# And those of sql/closing.sql.
CLOSING_GUARDS = frozenset(
    {("ledger_closing", "ledger_kept"), ("ledger_closing", "ledger_not_emptied")}
)
# Keys and constraints that Django's models do not carry.
KEYS = frozenset(
    {
        ("ledger_posting", "posting_of_account"),
        ("ledger_posting", "posting_of_entry"),
        ("ledger_balance", "balance_not_below_floor"),
        ("ledger_posting", "posting_not_zero"),
    }
)

_TRIGGERS = """
SELECT t.tgrelid::regclass::text, t.tgname FROM pg_trigger t
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgrelid::regclass::text LIKE 'ledger_%'
"""
_CONSTRAINTS = """
SELECT c.conrelid::regclass::text, c.conname FROM pg_constraint c
WHERE c.convalidated AND c.conrelid::regclass::text LIKE 'ledger_%'
"""


@register(Tags.database)
def guards_are_in_place(*, databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """Every trigger and key of the books exists and is enabled, once the tables exist."""
    missing: list[tuple[str, str]] = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT to_regclass('ledger_posting') IS NOT NULL")
            if not cursor.fetchone()[0]:
                continue  # not migrated yet
            cursor.execute(_TRIGGERS)
            missing += sorted((GUARDS | CLOSING_GUARDS) - set(cursor.fetchall()))
            cursor.execute(_CONSTRAINTS)
            missing += sorted(KEYS - set(cursor.fetchall()))
    return [
        Error(
            f"The books are not guarded: {name} on {table} is missing or disabled.",
            hint="Restore it from ledger/sql/ and run the invariants before serving.",
            id="ledger.E001",
        )
        for table, name in missing
    ]

"""What must hold in the books at every instant: one list, for tests, `manage.py verify`, the health
page and the simulator.

Each check is one query that answers the first rows which break it. They read one snapshot each,
lock nothing and may run beside posting; the whole list takes some seconds per million lines.
What only orders, payouts or the chain can know (states, on-chain balances) is checked above.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

SQL = Path(__file__).resolve().parent / "sql" / "invariants.sql"

FIRST_ROWS = 10


@dataclass(frozen=True)
class Invariant:
    """A fact about the books, and the query that answers where it is broken."""

    name: str
    fact: str
    query: str


@dataclass(frozen=True)
class Violation:
    """A fact that does not hold: the first rows that break it, as column → value."""

    invariant: Invariant
    rows: list[dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.invariant.name}: {self.rows}"


def read(file: Path) -> list[Invariant]:
    """A list of facts, from its file: a name, a fact, a query; and again."""
    found = re.findall(r"^-- (\w+)\n-- (.+)\n([^;]+);$", file.read_text(), re.MULTILINE)
    return [Invariant(name, fact, query) for name, fact, query in found]


INVARIANTS = read(SQL)


def violations(marketplace_id: str = "", limit: int = FIRST_ROWS) -> list[Violation]:
    """Every fact that does not hold, of one marketplace or of all; an empty list is good news."""
    found = [Violation(each, broken_by(each, marketplace_id, limit)) for each in INVARIANTS]
    return [violation for violation in found if violation.rows]


def broken_by(
    invariant: Invariant, marketplace_id: str = "", limit: int = FIRST_ROWS
) -> list[dict[str, Any]]:
    """The first rows that break a fact."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH broken AS ({invariant.query}) TABLE broken LIMIT %(limit)s",
            {"marketplace": marketplace_id, "limit": limit},
        )
        names = [column.name for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

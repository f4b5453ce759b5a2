"""What every format is written from: one snapshot of the database, and the totals of the rows.

Rows are streamed within one repeatable-read transaction, so a file is of one instant however long
it takes. The control totals are summed by a query of their own in the same snapshot; a file whose
number of rows is another than theirs is not kept.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from django.conf import settings
from django.db import connections
from psycopg import ClientCursor, Connection

from offerhub.core.money import SCALE, UNIT
from offerhub.reports.columns import Column, Format, safe, select
from offerhub.reports.lists import Narrowed
from offerhub.reports.parameters import Parameters
from offerhub.reports.registry import FILTERS, ReportType

BLOCK = 1000  # rows that are written at a time


@dataclass(frozen=True)
class Total:
    """Control totals of one asset: how many rows, and sums in stroops by name."""

    asset: str
    rows: int
    sums: dict[str, int]


@dataclass
class Export:
    """One report on its way into a file. `tick` is told how many rows are written."""

    session: "Connection[Any]"
    type: ReportType
    asked: Parameters
    narrowed: Narrowed
    form: Format
    made_at: datetime
    totals: list[Total] = field(default_factory=list)
    tick: Callable[[int], None] = lambda rows: None

    @property
    def values(self) -> dict[str, Any]:
        """The named values of the queries."""
        return {**self.asked.values, **self.narrowed.values}

    @property
    def columns(self) -> list[Column]:
        """The columns of the file."""
        return list(self.type.columns)

    @property
    def expected(self) -> int:
        """How many rows there are."""
        return sum(total.rows for total in self.totals)

    @property
    def query(self) -> str:
        """The query of the rows with its values, each column as this format writes it."""
        return self.bound(
            self.type.rows(select(self.columns, self.form), self.asked, self.narrowed.sql)
        )

    def bound(self, query: str) -> str:
        """A query with its values written in: COPY and cursors take no parameters."""
        return str(ClientCursor(self.session).mogrify(query, self.values))

    def add_up(self) -> None:
        """Sum the control totals."""
        names = list(self.type.totals)
        with self.session.cursor() as cursor:
            cursor.execute(self.bound(self.type.sums(self.asked, self.narrowed.sql)).encode())
            self.totals = [
                Total(asset, rows, dict(zip(names, map(int, sums), strict=True)))
                for asset, rows, *sums in cursor
            ]

    def facts(self) -> list[tuple[str, str]]:
        """What the file is of: name and value, as its last lines tell."""
        asked = [
            (outside, str(getattr(self.asked, inside)))
            for outside, inside in FILTERS.items()
            if getattr(self.asked, inside) and (inside != "basis" or "basis" in self.type.filters)
        ]
        shown = [("list", f"{self.asked.view}?{self.asked.query}")] if self.asked.view else []
        made = ("madeAt", self.made_at.isoformat(timespec="seconds"))
        facts = [("report", self.type.name), *asked, *shown, ("zone", self.asked.zone), made]
        if self.form == Format.JSONL:
            return facts
        return [(name, safe(" ".join(value.split()))) for name, value in facts]

    def figures(self) -> Iterator[tuple[str, str, str]]:
        """Asset, name and value of each control total."""
        for total in self.totals:
            yield total.asset, "rows", str(total.rows)
            for name, amount in total.sums.items():
                yield total.asset, name, seven_places(amount)


def seven_places(amount: int) -> str:
    """Stroops as the files write amounts."""
    whole, fraction = divmod(abs(amount), UNIT)
    return f"{'-' if amount < 0 else ''}{whole}.{fraction:0{SCALE}d}"


class Sink:
    """Where a file is written to: counts its bytes and takes its digest on the way."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.bytes, self._digest = file, 0, hashlib.sha256()

    def write(self, content: bytes) -> None:
        """Add to the file."""
        self.file.write(content)
        self.bytes += len(content)
        self._digest.update(content)

    @property
    def sha256(self) -> str:
        """Of all that was written."""
        return self._digest.hexdigest()


@contextmanager
def snapshot(zone: str) -> Iterator["Connection[Any]"]:
    """A session of its own that sees one instant and changes nothing; times are in the zone."""
    with closing(connections.create_connection("default")) as wrapper:
        wrapper.ensure_connection()
        session: Connection[Any] = wrapper.connection
        session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        session.execute(
            "SELECT set_config('TimeZone', %s, true), set_config('statement_timeout', %s, true),"
            " set_config('idle_in_transaction_session_timeout', %s, true),"
            " set_config('work_mem', '64MB', true), set_config('DateStyle', 'ISO', true)",
            [zone, f"{settings.REPORT_HOURS}h", f"{settings.REPORT_HOURS}h"],
        )
        yield session

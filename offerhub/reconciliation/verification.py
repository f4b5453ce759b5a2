"""`manage.py verify`: everything that must hold, checked over the live database and the chain.

Each fact is a query or a walk that answers the first rows which break it; nothing is locked and
nothing is changed. Memory stays the same for any size: rows are counted by the database, seals and
addresses come in parts.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import connection

from ledger.invariants import Invariant, broken_by
from offerhub.audit import services as audit
from offerhub.reconciliation import facts, onchain, seals
from offerhub.reconciliation.seals import Head

Row = dict[str, Any]
Progress = Callable[[str, int, int], None]
FIRST_ROWS = 10
PATIENCE = 30.0  # seconds that what is on its way has to arrive


@dataclass(frozen=True)
class Checked:
    """A fact, and the first rows that break it: none is good news. `more` when there are others."""

    name: str
    fact: str
    rows: list[Row]
    more: bool
    seconds: float


@dataclass
class Report:
    """What was checked, and what a reader should know beside it."""

    checked: list[Checked] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def broken(self) -> list[Checked]:
        """Facts that do not hold."""
        return [each for each in self.checked if each.rows]


@dataclass(frozen=True)
class Wanted:
    """What to check. Without a marketplace all of them; `heads` were held elsewhere."""

    marketplace_id: str = ""
    books_only: bool = False
    limit: int = FIRST_ROWS
    heads: tuple[Head, ...] = ()
    patience: float = PATIENCE


def verify(
    wanted: Wanted,
    told: Callable[[Checked], None] = lambda checked: None,
    progress: Progress = lambda name, done, total: None,
) -> Report:
    """Check everything; each fact is `told` as soon as it is known. Raises ChainUnavailable."""
    report = Report()
    with _unhurried():
        for name, fact, rows in _checks(wanted, progress):
            began = time.monotonic()
            found = list(islice(rows, wanted.limit + 1))
            checked = Checked(
                name,
                fact,
                found[: wanted.limit],
                len(found) > wanted.limit,
                time.monotonic() - began,
            )
            report.checked.append(checked)
            told(checked)
        report.notices = list(_notices(wanted))
    return report


def _checks(wanted: Wanted, progress: Progress) -> Iterator[tuple[str, str, Iterable[Row]]]:
    market = wanted.marketplace_id
    for fact in facts.all_facts():
        yield fact.name, fact.fact, _query(fact, wanted)
    yield (
        facts.SEALS,
        "Every seal is the digest of its entries over the seal before it, and leaves none out.",
        seals.broken(market, lambda done, total: progress(facts.SEALS, done, total)),
    )
    if wanted.heads:
        yield (
            "heads_are_kept",
            "The journal has every daily head that was held elsewhere.",
            seals.lost_heads(list(wanted.heads), market),
        )
    if not market:
        yield "audit_is_a_chain", "What staff did is as it was written.", _audit()
    if not wanted.books_only:
        yield from onchain.checks(market, wanted.patience, progress)


def _query(fact: Invariant, wanted: Wanted) -> Iterator[Row]:
    yield from broken_by(fact, wanted.marketplace_id, wanted.limit + 1)


def _audit() -> Iterator[Row]:
    found = audit.verify()
    if isinstance(found, audit.FirstBadRow):
        yield {"position": found.position, "why": found.why}


def _notices(wanted: Wanted) -> Iterator[str]:
    young = seals.unsealed(wanted.marketplace_id)
    if young:
        yield f"{young} entries are too young for a seal."
    if wanted.books_only:
        yield "The chain was not asked."


@contextmanager
def _unhurried() -> Iterator[None]:
    """Checking a large journal takes longer than a request may, and sorts more."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        (before,) = cursor.fetchone()
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET work_mem = '64MB'")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = '{before}'")
            cursor.execute("RESET work_mem")

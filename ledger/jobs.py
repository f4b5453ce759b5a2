"""Background work on what is finished: checkpoints of rollup accounts, seals over entries.

Numbers are taken before a transaction commits, so a lower number may appear after a higher one.
Both jobs therefore work only below a mark: the highest numbers at an instant, once every
transaction that ran at that instant is over. A writer has its transaction id before its numbers.
"""

import time
from dataclasses import dataclass

from django.db import connection

LEAST_DELTA = 1000  # lines; fewer are read faster than a checkpoint is written
SEAL_SIZE = 1000  # entries
_PAUSE = 0.02  # seconds between two looks at the running transactions


@dataclass(frozen=True)
class Mark:
    """The highest numbers to be seen at an instant, and a transaction id that was given after."""

    posting: int
    entry: int
    transaction: int


_kept: Mark | None = None


def take_mark() -> Mark:
    """The numbers first, then a transaction id of one's own: every writer of them has a lower one.

    The snapshot's own bounds would not do: they count from the last transaction that *ended*.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT coalesce(max(id), 0) FROM ledger_posting),"
            "       (SELECT coalesce(max(number), 0) FROM ledger_entry)"
        )
        posting, entry = cursor.fetchone()
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        (transaction,) = cursor.fetchone()
    return Mark(posting, entry, transaction)


def is_settled(mark: Mark) -> bool:
    """Whether every transaction that may have taken the mark's numbers is over."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        (oldest,) = cursor.fetchone()
    return bool(oldest > mark.transaction)


def settled_mark(patience: float = 0.0) -> Mark | None:
    """A mark below which nothing can appear any more, or None when there is none yet.

    Waits at most `patience` seconds for the transactions that are running. Without patience it
    answers the mark that this process took at an earlier call, if that has settled.
    """
    global _kept
    mark = _kept if _kept is not None and patience == 0 else take_mark()
    if not await_settled(mark, patience):
        _kept = mark
        return None
    _kept = take_mark()
    return mark


def await_settled(mark: Mark, patience: float) -> bool:
    """Wait at most so many seconds until a mark has settled; whether it has."""
    deadline = time.monotonic() + patience
    while not is_settled(mark):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
    return True


def take_checkpoints(*, patience: float = 0.0, least: int = LEAST_DELTA) -> int:
    """Bring rollup checkpoints forward when `least` lines or more came; how many accounts moved."""
    mark = settled_mark(patience)
    return 0 if mark is None else _call("ledger_take_checkpoints", mark.posting, least)


def seal_entries(*, patience: float = 0.0) -> int:
    """Seal every finished entry, 1,000 at a time, each marketplace's with its own chain of digests;
    how many entries were sealed."""
    mark, total = settled_mark(patience), 0
    while mark is not None and (sealed := _call("ledger_seal", mark.entry, SEAL_SIZE)):
        total += sealed
    return total


def _call(function: str, *arguments: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", arguments)
        return int(cursor.fetchone()[0])

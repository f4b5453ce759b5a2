"""The log: all events of a marketplace in one order that never changes.

Rows are written by many transactions at once, and these commit in another order than they took
their positions in. So an event gets its `number` after it is committed, by whoever looks next and
by one at a time (the row of `events_log` is the turn). Numbers have no gaps; a reader who has seen
number n has seen all below it, and a transaction that is open for an hour holds nobody up: its
events come when they come, behind those that were quicker. Of one subject the sequence and the
number never disagree, because each change waits for the one before to be committed.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from offerhub.events import catalog, planning
from offerhub.events.bodies import number_of
from offerhub.events.catalog import matches
from offerhub.events.models import Event

CHANNEL = "offerhub_events"
MOST = 1000  # events numbered in one transaction

_WAITING = f"SELECT EXISTS (SELECT 1 FROM {Event._meta.db_table} WHERE number IS NULL)"  # noqa: S608
_TURN = "SELECT last FROM events_log FOR UPDATE"
_NUMBER = f"""
    WITH fresh AS (
        SELECT position, %(last)s + row_number() OVER (ORDER BY position) AS number
        FROM (SELECT position FROM {Event._meta.db_table} WHERE number IS NULL
              ORDER BY position LIMIT {MOST}) AS waiting
    )
    UPDATE {Event._meta.db_table} AS e SET number = fresh.number
    FROM fresh WHERE e.position = fresh.position
    RETURNING e.number, e.position, e.marketplace_id, e.type, e.subject"""  # noqa: S608
_KEEP = "UPDATE events_log SET last = %s"
_TELL = "SELECT pg_notify(%s, %s)"


def number_new() -> int:
    """Number what is committed and has no number, and plan its deliveries; how many there were.

    One statement when there is nothing to do. Else, for each thousand: the turn, the numbers, the
    endpoints, the deliveries if there are any, the new end, and one bell for all who listen.
    """
    total = 0
    while _waiting():
        with transaction.atomic(), connection.cursor() as cursor:
            last = take_turn()
            cursor.execute(_NUMBER, {"last": last})
            rows = sorted(planning.Numbered(*row) for row in cursor.fetchall())
            if not rows:
                break
            planning.plan(rows)
            cursor.execute(_KEEP, [rows[-1].number])
            cursor.execute(_TELL, [CHANNEL, str(rows[-1].number)])
        total += len(rows)
    return total


def take_turn() -> int:
    """Be the one who numbers until this transaction ends; the number of the newest event. Before
    any lock of an endpoint: planning waits for those."""
    with connection.cursor() as cursor:
        cursor.execute(_TURN)
        return int(cursor.fetchone()[0])


def _waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        return bool(cursor.fetchone()[0])


def end() -> int:
    """The number of the newest event."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last FROM events_log")
        return int(cursor.fetchone()[0])


def read(
    marketplace_id: str | None,
    *,
    after: int = 0,
    types: Sequence[str] = (),
    subject: str = "",
    limit: int = 100,
) -> list[Event]:
    """The next events of a marketplace, or of all with None, after a number, oldest first.

    Of some types (`order.created`, `order.*`), or about one subject.
    """
    rows = Event.objects.filter(number__gt=after)
    if marketplace_id is not None:
        rows = rows.filter(marketplace_id=marketplace_id)
    if types:
        rows = rows.filter(type__in=named(types))
    if subject:
        rows = rows.filter(subject=subject)
    return list(rows.order_by("number")[:limit])


def named(types: Sequence[str]) -> list[str]:
    """The names that a filter stands for; areas such as `order.*` are all of their types."""
    return sorted(name for name in catalog.catalogue() if matches(types, name))


def place_named(marketplace_id: str | None, name: str) -> int | None:
    """The number that an event's id or a cursor stands for; None when it is neither."""
    number = number_of(name)
    if number is None and name.startswith("evt_"):
        number = place_of(marketplace_id, name)
    return number


def place_of(marketplace_id: str | None, event_id: str) -> int | None:
    """The number of an event by its id; None when the marketplace has no such event."""
    rows: Any = Event.objects.filter(id=event_id)
    if marketplace_id is not None:
        rows = rows.filter(marketplace_id=marketplace_id)
    number: int | None = rows.values_list("number", flat=True).first()
    return number

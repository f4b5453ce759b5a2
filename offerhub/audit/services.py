"""Writing to the audit chain, and proving that nobody changed it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection

from offerhub.audit.chain import digest_of
from offerhub.audit.models import START, StaffAction
from offerhub.core.canonical import clean, plain

_LOCK = 0x0FFE_A0D1  # the advisory lock that lets one transaction at a time add to the chain
_BATCH = 1000


@dataclass(frozen=True)
class Seat:
    """Who sits where: the actor's text, name, IP address, request and session (a short digest)."""

    actor: str = ""
    username: str = ""
    address: str = ""
    request_id: str = ""
    session: str = ""


def record(
    *,
    seat: Seat,
    action: str,
    subject: str = "",
    marketplace: str = "",
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> StaffAction:
    """Add a row in the open transaction, as its last act: from here to its end nobody else can.

    Raises RuntimeError when no transaction is open: then change and row could part.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a staff action is recorded in the transaction of its change")
    row = StaffAction(
        actor=_short(seat.actor, "actor"),
        username=_short(seat.username, "username"),
        address=_short(seat.address, "address"),
        request_id=_short(seat.request_id, "request_id"),
        session=_short(seat.session, "session"),
        action=_short(action, "action"),
        subject=_short(subject, "subject"),
        marketplace=_short(marketplace, "marketplace"),
        reason=clean(reason),
        before=plain(dict(before or {})),
        after=plain(dict(after or {})),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    last = head()
    row.position, row.previous = (last.position + 1, last.digest) if last else (1, START)
    row.at = datetime.now(UTC)
    row.digest = digest_of(row)
    row.save(force_insert=True)
    return row


def _short(text: str, field: str) -> str:
    column: Any = StaffAction._meta.get_field(field)
    return clean(text)[: column.max_length]


def head() -> StaffAction | None:
    """The newest row."""
    return StaffAction.objects.order_by("-position").first()


@dataclass(frozen=True)
class Verified:
    """Every row is as it was written; `head` is the digest that proves it."""

    rows: int
    head: str


@dataclass(frozen=True)
class FirstBadRow:
    """The first position at which the chain is broken, and how."""

    position: int
    why: str


def verify(known: Mapping[int, str] | None = None) -> Verified | FirstBadRow:
    """Read the whole chain once, in order, a thousand rows at a time.

    `known` are digests by position that were kept elsewhere (`daily_heads`): only they can tell
    that the end of the chain was cut off, or that all of it was written anew.
    """
    last, expected = START, 1
    awaited = dict(known or {})
    for row in _all():
        why = _wrong(row, expected, last, awaited.pop(row.position, None))
        if why:
            return FirstBadRow(min(row.position, expected), why)
        last, expected = row.digest, expected + 1
    if awaited:
        return FirstBadRow(min(awaited), "the row was there once and is missing")
    return Verified(expected - 1, last)


def _wrong(row: StaffAction, expected: int, last: str, known: str | None) -> str:
    if row.position != expected:
        return f"the row is missing: the next one is {row.position}"
    if row.previous != last:
        return "it does not continue the row before"
    if row.digest != digest_of(row):
        return "its content does not have its digest: it was changed"
    if known is not None and known != row.digest:
        return "it has another digest than the one that was kept"
    return ""


def _all() -> Iterator[StaffAction]:
    """By position, in batches, so that memory stays the same for any length."""
    position = -(2**62)
    while True:
        rows = StaffAction.objects.filter(position__gt=position).order_by("position")
        batch = list(rows[:_BATCH])
        yield from batch
        if len(batch) < _BATCH:
            return
        position = batch[-1].position


def daily_heads() -> Iterator[tuple[date, int, str]]:
    """Day (UTC), position and digest of the last row of each day that has one, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (day) (at AT TIME ZONE 'UTC')::date AS day, position, digest "
            "FROM audit_staffaction ORDER BY day, position DESC"
        )
        yield from cursor.fetchall()


def heads_text() -> str:
    """The daily heads as lines `2026-11-23 184 5f0c…`, to be kept where no one here can write."""
    return "".join(f"{day} {position} {digest}\n" for day, position, digest in daily_heads())


def read_heads(text: str) -> dict[int, str]:
    """Positions and digests of such lines; raises ValueError for any other."""
    heads: dict[int, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = line.split()
        if len(parts) != 3 or not parts[1].isdecimal() or len(parts[2]) != 64:
            raise ValueError(f"not a daily head: {line!r}")
        heads[int(parts[1])] = parts[2]
    return heads

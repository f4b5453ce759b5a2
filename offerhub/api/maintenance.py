"""Maintenance: reads go on, writes are answered 503 with Retry-After, and nothing is half-done.

Work that was accepted before goes on: its money is on the way. The state is one row, looked at by
each process at most once a second.
"""

import threading
import time

from offerhub.api.models import Maintenance
from offerhub.core.db import in_transaction
from offerhub.core.errors import Unavailable

LOOK_EVERY = 1.0  # seconds
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_lock = threading.Lock()
_seen: tuple[float, Maintenance | None] = (-LOOK_EVERY, None)


class InMaintenance(Unavailable):
    """`reason` says what is being done."""

    code, title = "maintenance", "Changes are not taken at the moment; reads are"


def refuse_writes(method: str | None) -> None:
    """Raise InMaintenance for a method that changes something while maintenance is on."""
    if method in SAFE:
        return
    row = _look()
    if row is not None:
        detail = f"{row.reason}. Send the same request again in {row.retry_after} s"
        raise InMaintenance(detail, retry_after=row.retry_after, reason=row.reason)


def _look() -> Maintenance | None:
    global _seen
    at, row = _seen
    if time.monotonic() - at >= LOOK_EVERY:
        row = Maintenance.objects.first()
        with _lock:
            _seen = (time.monotonic(), row)
    return row


def forget() -> None:
    """Look anew at the next write."""
    global _seen
    with _lock:
        _seen = (-LOOK_EVERY, None)


@in_transaction
def begin(*, reason: str, retry_after: int) -> Maintenance:
    """Refuse writes from now on: in every process within a second. Again changes the words."""
    values = {"reason": reason, "retry_after": retry_after}
    row, _ = Maintenance.objects.update_or_create(one=True, defaults=values)
    forget()
    return row


@in_transaction
def end() -> bool:
    """Take writes again; whether maintenance was on."""
    deleted, _ = Maintenance.objects.all().delete()
    forget()
    return bool(deleted)

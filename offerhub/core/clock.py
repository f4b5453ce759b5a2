"""What time it is, for everything that money waits for.

The database's clock rules: due rows are found with `offerhub_now()`, a SQL function that adds the
sandbox's offset (zero on real networks). `now()` here is the same instant for code that needs it
before a query: envelopes' time bounds, key expiry. Sign-in codes use the machine's own time.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import cast

from django.conf import settings
from django.db import connection
from django.db.models import DateTimeField, Func

_CACHE_SECONDS = 0.5
_lock = threading.Lock()
_cached: tuple[float, timedelta] = (-1.0, timedelta())


class ProductNow(Func):
    """The same instant in a query."""

    function = "offerhub_now"
    output_field = DateTimeField()


def now() -> datetime:
    """The product's present instant, in UTC."""
    return datetime.now(UTC) + offset()


def this_moment() -> datetime:
    """The instant of this statement by the database's clock, where `ProductNow` is the beginning
    of the transaction: for a decision under a lock that was waited for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() + ahead FROM offerhub_clock")
        (moment,) = cursor.fetchone()
    return cast("datetime", moment)


def offset() -> timedelta:
    """How far the sandbox's clock was advanced; always zero on a real network."""
    global _cached
    if settings.OFFERHUB_NETWORK != "sandbox":
        return timedelta()
    read_at, value = _cached
    if time.monotonic() - read_at < _CACHE_SECONDS:
        return value
    with connection.cursor() as cursor:
        cursor.execute("SELECT ahead FROM offerhub_clock")
        row = cursor.fetchone()
    value = row[0] if row else timedelta()
    with _lock:
        _cached = (time.monotonic(), value)
    return value


def set_offset(value: timedelta) -> None:
    """Follow the sandbox's clock. The database refuses to go backwards past what was seen."""
    global _cached
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE offerhub_clock SET ahead = GREATEST(ahead, make_interval(secs => %s))",
            [value.total_seconds()],
        )
    with _lock:
        _cached = (-1.0, timedelta())

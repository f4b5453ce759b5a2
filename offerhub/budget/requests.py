"""Every request to the escrow provider asks here first, whoever makes it and in whichever process.

What an operation took with its claim it spends from; what nobody planned (an open envelope that is
sent again, a page of the desk) is taken on the spot. Without a limit all of this costs nothing.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection

log = structlog.get_logger(__name__)

# What was taken counts from then on; sent later than this (seconds) it is counted anew.
FRESH = 0.5
# Seconds by which the window is longer than the provider's: taken and arrived are not the same
# instant, on a busy machine less than ever.
MARGIN = 2.0
# For a refusal that names no time.
PAUSE = 5.0


@dataclass
class Allowance:
    """Requests that an operation took at `taken` (the database's time) and has `left`."""

    taken: datetime
    left: int
    at: float


_allowance: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


def limit() -> int:
    """The most requests in a window; 0 is no limit."""
    return int(settings.PROVIDER_LIMIT)


def span() -> timedelta:
    """The window in which the limit is kept."""
    return timedelta(seconds=settings.PROVIDER_WINDOW + MARGIN)


def taken(at: datetime, count: int) -> Allowance:
    """What a claim took just now."""
    return Allowance(at, count, time.monotonic())


@contextmanager
def spending(allowance: Allowance | None) -> Iterator[None]:
    """Requests of this block are of the allowance; what it leaves is given back."""
    token = _allowance.set(allowance)
    try:
        yield
    finally:
        _allowance.reset(token)
        if allowance is not None and allowance.left:
            _give_back(allowance)


def spend() -> float:
    """One request is about to be made. 0, or in how many seconds to ask again instead."""
    if not limit():
        return 0.0
    mine = _allowance.get()
    if mine is None or not mine.left:
        granted, pause = _taken("offerhub_take_requests(1, %s, %s)", [limit(), span()])
        return 0.0 if granted else pause
    if time.monotonic() - mine.at > FRESH:
        values = [mine.taken, limit(), span()]
        granted, pause = _taken("offerhub_use_later(%s, %s, %s)", values)
        if not granted:
            mine.left = 0
            return pause
    mine.left -= 1
    return 0.0


def hold_all(seconds: float | None) -> None:
    """The provider refused for its limit, so somebody else uses it too: nobody asks until then."""
    pause = PAUSE if seconds is None else seconds
    log.warning("provider_limit_met", pause=pause)
    if limit():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE budget_bucket SET blocked_until ="
                " GREATEST(blocked_until, clock_timestamp() + make_interval(secs => %s))",
                [pause],
            )


def _taken(call: str, values: list[Any]) -> tuple[datetime | None, float]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT granted, pause FROM {call}", values)  # noqa: S608 (our own functions)
        granted, pause = cursor.fetchone()
        return granted, float(pause or 0)


def _give_back(allowance: Allowance) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE budget_bucket SET used = array_remove(used, %(at)s)"
            " || array_fill(%(at)s::timestamptz, ARRAY[GREATEST(0,"
            " cardinality(array_positions(used, %(at)s)) - %(left)s)])",
            {"at": allowance.taken, "left": allowance.left},
        )

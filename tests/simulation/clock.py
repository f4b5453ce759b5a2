"""Time that stands still until the simulator moves it: for this process and for its database.

It begins a little before the machine's own time and only moves forward, so that whatever the
database dates by itself is never in the future.
"""

import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from django.db import connection
from django.db.backends.signals import connection_created

from offerhub.core import clock as product_clock

_machine = time.time
GUC = "simulation.now"  # read by the functions of database.py


class Clock:
    """Seconds since 1970, and how wrong this process's own clock is."""

    def __init__(self) -> None:
        self.now = 0.0
        self.skew = 0.0
        self.begin()

    def begin(self) -> None:
        """A new run: a whole number of seconds, the same fraction each time."""
        self.now, self.skew = float(int(_machine()) // 5 * 5 + 5), 0.0

    def time(self) -> float:
        """What `time.time` and the sandbox say."""
        return self.now

    def monotonic(self) -> float:
        """What `time.monotonic` says; a wrong clock does not change it."""
        return self.now

    def move(self, seconds: float, /) -> None:
        """Let time pass. Never inside a transaction: the database would see it and forget it."""
        if seconds <= 0:
            return
        self.now += seconds
        if connection.connection is not None:
            self.tell()

    def tell(self) -> None:
        """Set the database's time."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, false)", [GUC, self.instant().isoformat()])

    def instant(self) -> datetime:
        """The true time."""
        return datetime.fromtimestamp(self.now, UTC)


CLOCK = Clock()


class _Datetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return (CLOCK.instant() + timedelta(seconds=CLOCK.skew)).astimezone(tz)


def install() -> None:
    """Replace the time of this process. There is no way back: the simulator has its own process."""
    time.time = CLOCK.time
    time.monotonic = CLOCK.monotonic
    vars(time)["sleep"] = CLOCK.move
    vars(product_clock)["datetime"] = _Datetime
    connection_created.connect(lambda **_: CLOCK.tell(), weak=False)

"""When billing cycles begin and end: pure arithmetic on an anchor, a time zone and a number.

A boundary is a wall-clock instant in the subscription's time zone. Cycle number n begins at the
anchor's date and time plus n intervals, always reckoned from the anchor itself and never from the
boundary before it: so what a short month takes from the day is given back by the next long one,
and cycles neither overlap nor leave a gap.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.db import models


class Interval(models.TextChoices):
    """The unit of a cycle's length."""

    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


# The longest cycle in each unit: money should not wait in a contract for longer.
MOST = {Interval.WEEK: 52, Interval.MONTH: 12, Interval.YEAR: 1}


@dataclass(frozen=True)
class Calendar:
    """`anchor` is the instant at which cycle 0 begins; `count` units make a cycle."""

    anchor: datetime
    zone: str
    unit: Interval
    count: int = 1

    def start(self, number: int) -> datetime:
        """When cycle `number` begins, in UTC.

        A day that the month does not have is its last day. A time that a clock change skips is as
        much later as the clock jumped; of a time that it brings twice the first is meant.
        """
        if number == 0:
            return self.anchor
        zone = ZoneInfo(self.zone)
        wall = self.anchor.astimezone(zone).replace(tzinfo=None, fold=0)
        return self._moved(wall, number).replace(tzinfo=zone).astimezone(UTC)

    def end(self, number: int) -> datetime:
        """When it ends: at the instant at which the next one begins."""
        return self.start(number + 1)

    def first_unfinished(self, number: int, at: datetime) -> int:
        """The first cycle from `number` on that is not over at this instant."""
        while self.end(number) <= at:
            number += 1
        return number

    def _moved(self, wall: datetime, number: int) -> datetime:
        steps = number * self.count
        if self.unit == Interval.WEEK:
            return wall + timedelta(weeks=steps)
        months = steps * (12 if self.unit == Interval.YEAR else 1)
        years, month = divmod(wall.month - 1 + months, 12)
        year, month = wall.year + years, month + 1
        last = calendar.monthrange(year, month)[1]
        return wall.replace(year=year, month=month, day=min(wall.day, last))


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    """Whether a time zone has this name, such as `Europe/Berlin` or `UTC`."""
    return name in _zones()

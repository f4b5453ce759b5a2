"""Periods: half-open, from an instant on and before another, read in a named time zone.

A day begins at its midnight in the zone. Where a clock is put forward at midnight there is no such
time, and the day begins with the instant after the gap; where it is put back the day begins with
the first of two midnights.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from offerhub.core.errors import FieldError, InvalidRequest

EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)


class Cadence(StrEnum):
    """How often a schedule makes its report."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"  # from Monday on
    MONTHLY = "MONTHLY"


@cache
def zone_names() -> frozenset[str]:
    """Names as the tz database has them, without its own internals."""
    return frozenset(
        name for name in available_timezones() if name != "localtime" and "posix" not in name
    )


def zone_of(name: str, field: str = "zone") -> ZoneInfo:
    """The zone of a name such as `Europe/Vienna`; raises InvalidRequest."""
    if name not in zone_names():
        raise complaint(field, "unknown_zone", "must be a time zone such as UTC or Europe/Vienna")
    return ZoneInfo(name)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a day begins in a zone, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def moment(text: str, zone: ZoneInfo, field: str, *, after: bool = False) -> datetime:
    """The instant of `2026-10-01` (its midnight, or the next one with `after`) or of a full time
    with its offset (itself, or a microsecond later); raises InvalidRequest."""
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            if not EARLIEST <= day <= LATEST:
                raise ValueError(text)
            return midnight(day + timedelta(days=after), zone)
        value = datetime.fromisoformat(text)
        if value.tzinfo is None or len(text) > 40 or not EARLIEST <= value.date() <= LATEST:
            raise ValueError(text)
        return value.astimezone(UTC) + timedelta(microseconds=after)
    except (ValueError, OverflowError):
        words = "must be a day such as 2026-10-01, or a time with its offset"
        raise complaint(field, "invalid_time", words) from None


def complaint(field: str, code: str, words: str) -> InvalidRequest:
    """One complaint about one field."""
    return InvalidRequest(errors=[FieldError(field, code, words)])


def first_day(cadence: Cadence, day: date) -> date:
    """The first day of the period that a day is in."""
    if cadence == Cadence.WEEKLY:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if cadence == Cadence.MONTHLY else day


def next_first_day(cadence: Cadence, first: date) -> date:
    """The first day of the period after the one that begins with `first`."""
    if cadence == Cadence.MONTHLY:
        return (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first + timedelta(days=7 if cadence == Cadence.WEEKLY else 1)


def due_at(cadence: Cadence, first: date, zone: ZoneInfo, hour: int) -> datetime:
    """When the period that begins with `first` is reported: at that hour of the day after it."""
    day = next_first_day(cadence, first)
    return datetime.combine(day, time(hour), zone).astimezone(UTC)


def last_month(today: date) -> tuple[date, date]:
    """The first days of the month before and of this one."""
    this = today.replace(day=1)
    return (this - timedelta(days=1)).replace(day=1), this

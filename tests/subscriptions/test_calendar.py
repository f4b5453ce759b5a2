"""The calendar of billing cycles, the day count and the retry schedule: pure arithmetic."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from offerhub.core.money import UNIT
from offerhub.subscriptions import dunning
from offerhub.subscriptions.calendar import MOST, Calendar, Interval, is_zone
from offerhub.subscriptions.proration import CENT, earned

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # its clocks change by half an hour
    "Pacific/Apia",  # it left a whole day out
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "America/Sao_Paulo",  # a day could begin at one o'clock
)
FIRST, SECONDS = datetime(2005, 1, 1, tzinfo=UTC), 75 * 366 * 86400
ANCHORS = st.integers(0, SECONDS).map(lambda seconds: FIRST + timedelta(seconds=seconds))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    unit = draw(st.sampled_from(Interval))
    count = draw(st.integers(1, MOST[unit]))
    return Calendar(draw(ANCHORS), draw(st.sampled_from(ZONES)), unit, count)


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def monthly(anchor: str, zone: str = "UTC", unit: Interval = Interval.MONTH) -> Calendar:
    return Calendar(at(anchor, zone), zone, unit)


def walls(calendar: Calendar, numbers: range) -> list[str]:
    """The starts as clocks on the wall show them."""
    zone = ZoneInfo(calendar.zone)
    starts = (calendar.start(number).astimezone(zone) for number in numbers)
    return [f"{start:%Y-%m-%d %H:%M}" for start in starts]


@given(calendars(), st.integers(0, 600))
def test_cycles_follow_each_other_without_gap_or_overlap(calendar: Calendar, number: int) -> None:
    assert calendar.start(0) == calendar.anchor
    assert calendar.start(number) < calendar.end(number) == calendar.start(number + 1)


@given(calendars(), st.integers(0, 300))
def test_a_boundary_does_not_depend_on_the_ones_before_it(calendar: Calendar, number: int) -> None:
    zone = ZoneInfo(calendar.zone)
    anchor = calendar.anchor.astimezone(zone)
    start = calendar.start(number).astimezone(zone)
    if calendar.unit == Interval.WEEK:
        days = (start.replace(tzinfo=None) - anchor.replace(tzinfo=None)).days
        assert abs(days - 7 * calendar.count * number) <= 1
        return
    months = calendar.count * number * (12 if calendar.unit == Interval.YEAR else 1)
    assert abs((start.year - anchor.year) * 12 + start.month - anchor.month - months) <= 1
    # The day of the anchor, or the last one of a month that is too short; a zone may leave out
    # the hour or the day itself.
    tomorrow = start + timedelta(days=1)
    assert start.day == anchor.day or tomorrow.day == 1 or abs(start.day - anchor.day) <= 1


@given(calendars(), st.integers(0, 200), st.integers(0, 10**8))
def test_every_instant_from_the_anchor_on_is_in_exactly_one_cycle(
    calendar: Calendar, number: int, seconds: int
) -> None:
    instant = calendar.start(number) + timedelta(seconds=seconds)
    found = calendar.first_unfinished(number, instant)
    assert calendar.start(found) <= instant < calendar.end(found)
    others = [n for n in range(max(found - 2, 0), found + 3) if n != found]
    assert not any(calendar.start(n) <= instant < calendar.end(n) for n in others)


def test_the_31st_is_the_last_day_of_short_months_and_comes_back() -> None:
    assert walls(monthly("2026-01-31T09:00"), range(8)) == [
        "2026-01-31 09:00",
        "2026-02-28 09:00",
        "2026-03-31 09:00",
        "2026-04-30 09:00",
        "2026-05-31 09:00",
        "2026-06-30 09:00",
        "2026-07-31 09:00",
        "2026-08-31 09:00",
    ]
    assert walls(monthly("2027-12-31T09:00"), range(3)) == [
        "2027-12-31 09:00",
        "2028-01-31 09:00",
        "2028-02-29 09:00",
    ]


def test_a_year_from_a_leap_day_ends_on_28_february_and_finds_the_29th_again() -> None:
    assert walls(monthly("2024-02-29T00:00", unit=Interval.YEAR), range(5)) == [
        "2024-02-29 00:00",
        "2025-02-28 00:00",
        "2026-02-28 00:00",
        "2027-02-28 00:00",
        "2028-02-29 00:00",
    ]


def test_the_wall_clock_stays_when_the_clocks_change() -> None:
    months = monthly("2026-02-15T09:00", "Europe/Berlin")
    assert walls(months, range(1, 3)) == ["2026-03-15 09:00", "2026-04-15 09:00"]
    # March 29: an hour is missing from that cycle, and October 25 has one more.
    assert months.end(1) - months.start(1) == timedelta(days=31, hours=-1)
    assert months.end(8) - months.start(8) == timedelta(days=31, hours=1)


def test_a_skipped_time_is_later_by_the_jump_and_of_a_repeated_one_the_first_counts() -> None:
    skipped = monthly("2026-02-28T02:30", "Europe/Berlin", Interval.WEEK)
    assert walls(skipped, range(3, 6)) == [
        "2026-03-21 02:30",
        "2026-03-28 02:30",
        "2026-04-04 02:30",
    ]
    sundays = monthly("2026-03-01T02:30", "Europe/Berlin", Interval.WEEK)
    assert walls(sundays, range(3, 6)) == [
        "2026-03-22 02:30",
        "2026-03-29 03:30",
        "2026-04-05 02:30",
    ]
    repeated = monthly("2026-09-25T02:30", "Europe/Berlin")
    assert repeated.start(1) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "utc ", "../etc/passwd", "Europe/berlin"])
def test_what_is_no_time_zone_has_no_calendar(name: str) -> None:
    assert not is_zone(name)
    assert is_zone("Europe/Berlin")


@given(
    st.integers(1, 10**9).map(lambda cents: cents * CENT),
    ANCHORS,
    st.integers(1, 366 * 86400),
    st.integers(0, 366 * 86400),
)
def test_the_share_is_whole_cents_rounded_down_and_never_more_than_was_earned(
    amount: int, start: datetime, length: int, passed: int
) -> None:
    passed = min(passed, length)
    end, now = start + timedelta(seconds=length), start + timedelta(seconds=passed)
    share = earned(amount, start, end, now)
    assert share % CENT == 0
    assert share * length <= amount * passed < (share + CENT) * length


def test_half_of_march_is_half_of_the_money() -> None:
    start, end = at("2026-03-01T00:00"), at("2026-04-01T00:00")
    assert earned(100 * UNIT, start, end, start + (end - start) / 2) == 50 * UNIT
    assert earned(100 * UNIT, start, end, start - timedelta(days=1)) == 0
    assert earned(100 * UNIT, start, end, end + timedelta(days=1)) == 100 * UNIT
    # Ten days of 31: 32.2580645…, and what is beyond the cent is the buyer's.
    assert earned(100 * UNIT, start, end, start + timedelta(days=10)) == 3225 * CENT


# --- when an unpaid cycle is tried again --------------------------------------------------------
SINCE = at("2026-03-01T00:00")
MONTH = SINCE + timedelta(days=32)


def days(*numbers: float) -> list[datetime]:
    return [SINCE + timedelta(days=number) for number in numbers]


def tries(cycle_ends_at: datetime) -> list[datetime]:
    """All tries after the first, when each fails at its time."""
    found, now = [], SINCE
    while (follows := dunning.next_try(SINCE, cycle_ends_at, now)) is not None:
        found.append(now := follows.at)
    return found


def test_the_schedule_is_followed_by_a_last_try_after_the_grace() -> None:
    assert tries(MONTH) == days(1, 3, 5, 7, 10)
    last = dunning.next_try(SINCE, MONTH, SINCE + timedelta(days=7))
    assert last is not None
    assert last.is_last


def test_nobody_asks_for_a_cycle_that_is_over() -> None:
    assert tries(SINCE + timedelta(days=6)) == days(1, 3, 5, 6)


@given(st.floats(0, 40), st.floats(0.1, 40))
def test_a_late_worker_tries_once_for_all_that_it_missed(late: float, length: float) -> None:
    now, end = SINCE + timedelta(days=late), SINCE + timedelta(days=length)
    follows = dunning.next_try(SINCE, end, now)
    assume(follows is not None)
    assert follows is not None
    assert now < follows.at <= min(end, SINCE + timedelta(days=10))

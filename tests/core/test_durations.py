"""ISO 8601 durations in the units whose length is known."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.core.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("P7D", 7 * 1440),
        ("P2W", 14 * 1440),
        ("PT1H", 60),
        ("PT90M", 90),
        ("P1DT12H30M", 1440 + 750),
        ("PT0M", 0),
    ],
)
def test_what_the_standard_writes_is_read(text: str, minutes: int) -> None:
    assert parse_duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "7D",
        "P1Y",
        "P1M",
        "PT1S",
        "P-1D",
        "P1.5D",
        "p1d",
        "P1W1D",
        "P٧D",
        "P1D ",
        "P1D\n",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=366 * 1440))
def test_what_is_written_is_read_as_the_same(minutes: int) -> None:
    length = timedelta(minutes=minutes)
    assert parse_duration(format_duration(length)) == length

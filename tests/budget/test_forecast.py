"""The time left, as arithmetic: compared with a queue that is played request by request."""

import pytest

from offerhub.budget.forecast import Standing, seconds_until, seconds_until_empty

FULL = tuple(range(1, 51))  # fifty used, one of them comes free each second


def test_nothing_waits_without_a_limit_or_when_there_is_enough() -> None:
    assert seconds_until(Standing(0, 60), 2, "a", 500) == 0
    assert seconds_until(Standing(50, 60), 2, "a", 45) == 0
    assert seconds_until(Standing(50, 60), 1, "a", 50) == 0
    assert seconds_until_empty(Standing(50, 60)) == 0


def test_an_order_waits_until_the_limit_leaves_what_it_may_use() -> None:
    """A tenth is the first lane's: of fifty used, five must go before an order's two."""
    now = Standing(50, 60, FULL)
    assert seconds_until(now, 1, "a", 2) == 2
    assert seconds_until(now, 2, "a", 2) == 7
    assert seconds_until(now, 2, "a", 45) == 50
    assert seconds_until(now, 2, "a", 45 + 2) == 7 + 60


def test_a_batch_takes_its_pace_however_much_is_free() -> None:
    now = Standing(50, 60, paced_for=1.0, work={(4, "a"): 400})
    assert seconds_until(now, 4, "a", 2) == 1
    assert seconds_until(now, 4, "a", 400) == pytest.approx(1 + 398 * 60 / 45)
    assert seconds_until_empty(now) == pytest.approx(1 + 398 * 60 / 45)


def test_two_marketplaces_of_a_lane_share_until_the_smaller_is_through() -> None:
    now = Standing(50, 60, work={(4, "a"): 400, (4, "b"): 100})
    assert seconds_until(now, 4, "b", 100) == pytest.approx(198 * 60 / 45)
    assert seconds_until(now, 4, "a", 400) == pytest.approx(498 * 60 / 45)


def test_a_lane_waits_for_those_above_it_but_for_its_tenth() -> None:
    now = Standing(50, 60, work={(2, "a"): 90, (4, "b"): 100})
    tenth = seconds_until(now, 4, "b", 10)
    assert tenth == 120  # with the ninety orders go ten of these: 45, 45, and the last in the third
    assert seconds_until(now, 4, "b", 100) == pytest.approx(190 * 60 / 45, rel=0.4)


def test_what_the_provider_refuses_is_waited_for_first() -> None:
    assert seconds_until(Standing(50, 60, blocked_for=40.0), 1, "a", 2) == 40


def test_work_that_is_not_queued_yet_counts_beside_what_is() -> None:
    now = Standing(50, 60, work={(4, "b"): 100})
    assert seconds_until(now, 4, "a", 100) == pytest.approx(198 * 60 / 45)


@pytest.mark.parametrize("lane", [1, 2, 3, 4])
@pytest.mark.parametrize("requests", [2, 40, 100, 1000])
def test_the_later_the_more_is_asked(lane: int, requests: int) -> None:
    now = Standing(50, 60, FULL, work={(1, "x"): 20, (2, "y"): 60, (3, "x"): 40, (4, "z"): 900})
    assert (
        0 < seconds_until(now, lane, "a", requests) <= seconds_until(now, lane, "a", requests + 2)
    )

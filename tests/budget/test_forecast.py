"""The time left, as arithmetic."""

import pytest

from offerhub.budget.forecast import Standing, seconds_until, seconds_until_empty

FULL = tuple(range(1, 51))  # fifty used, one of them comes free each second
EACH_PACED = 60 / 45


def test_nothing_waits_without_a_limit_or_when_there_is_enough() -> None:
    assert seconds_until(Standing(0, 60), 2, 500) == 0
    assert seconds_until(Standing(50, 60), 2, 45) == 0
    assert seconds_until(Standing(50, 60), 1, 50) == 0
    assert seconds_until_empty(Standing(50, 60)) == 0


def test_an_order_waits_until_the_limit_leaves_what_it_may_use() -> None:
    """A tenth is the first lane's: of fifty used, five must go before an order's two."""
    now = Standing(50, 60, FULL)
    assert seconds_until(now, 1, 2) == 2
    assert seconds_until(now, 2, 2) == 7
    assert seconds_until(now, 2, 45) == 50
    assert seconds_until(now, 2, 45 + 2) == 7 + 60


def test_a_batch_takes_its_pace_however_much_is_free() -> None:
    now = Standing(50, 60, paced_for=1.0, work={4: 400})
    assert seconds_until(now, 4, 2) == 1
    assert seconds_until(now, 4, 400) == pytest.approx(1 + 398 * EACH_PACED)
    assert seconds_until_empty(now) == pytest.approx(1 + 398 * EACH_PACED)


def test_the_paced_lanes_share_their_pace() -> None:
    now = Standing(50, 60, work={3: 90, 4: 100})
    assert seconds_until(now, 3, 90) == pytest.approx((90 + 10 - 2) * EACH_PACED)
    assert seconds_until(now, 4, 100) == pytest.approx((190 - 2) * EACH_PACED)


def test_a_lane_waits_for_those_above_it_but_for_its_tenth() -> None:
    now = Standing(50, 60, work={2: 90, 4: 100})
    # With the ninety orders go ten of these: 45, 45, and the last in the third minute.
    assert seconds_until(now, 4, 10) == 120
    assert seconds_until(now, 2, 90) == 120
    assert seconds_until(now, 4, 100) == 4 * 60


def test_what_the_provider_refuses_is_waited_for_first() -> None:
    assert seconds_until(Standing(50, 60, blocked_for=40.0), 1, 2) == 40


@pytest.mark.parametrize("lane", [1, 2, 3, 4])
@pytest.mark.parametrize("requests", [2, 40, 100, 1000])
def test_the_more_is_asked_the_longer_it_takes(lane: int, requests: int) -> None:
    now = Standing(50, 60, FULL, work={1: 20, 2: 60, 3: 40, 4: 900})
    assert 0 < seconds_until(now, lane, requests) <= seconds_until(now, lane, requests + 2)

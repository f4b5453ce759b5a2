"""What the queue says of itself."""

from typing import Any

import pytest

from offerhub.budget import queue
from tests.budget.asking import Bucket
from tests.budget.conftest import Limited

SPAN = 60.0
EACH_PACED = SPAN / 45


@pytest.fixture
def campaigns(limited: Limited) -> Bucket:
    """Thirty pledges of one marketplace and ten of another wait, each of two calls."""
    limited(50, SPAN)
    bucket = Bucket(50, SPAN)
    bucket.direct(50)
    for number in range(30):
        bucket.turn(f"big{number:02}", "big", 4, rest=2)
    for number in range(10):
        bucket.turn(f"small{number:02}", "small", 4, rest=2)
    return bucket


def paced(requests: int) -> Any:
    """Until so many requests of a paced lane are through: it begins when the window is over."""
    return pytest.approx(SPAN + (requests - 2) * EACH_PACED, abs=2)


def seconds(marketplace: str, operations: int, lane: int = 4) -> float:
    left = queue.time_left(marketplace_id=marketplace, lane=lane, operations=operations)
    return left.total_seconds()


def test_how_much_waits_by_lane_and_marketplace(campaigns: Bucket) -> None:
    now = queue.overview()
    assert now is not None
    shares = [(s.lane, s.marketplace_id, s.operations, s.requests, s.upto) for s in now.shares]
    assert shares == [(4, "big", 30, 120, 160), (4, "small", 10, 40, 80)]
    assert now.used == 50
    assert now.until_empty.total_seconds() == paced(160)


def test_a_set_of_work_takes_as_long_as_its_share_of_the_lane(campaigns: Bucket) -> None:
    """Until the smaller one is through both get the same."""
    assert seconds("small", 20) == paced(40 + 40)
    assert seconds("big", 60) == paced(120 + 40)
    assert seconds("big", 10) == paced(20 + 20)


def test_work_that_is_not_queued_yet_is_counted_behind_what_is(campaigns: Bucket) -> None:
    assert seconds("small", 20 + 30) == paced(100 + 100)
    assert seconds("new", 10) == paced(20 + 20 + 20)
    assert seconds("new", 1, lane=1) == pytest.approx(SPAN, abs=2)


def test_without_a_limit_nothing_takes_time(
    campaigns: Bucket, limited: Limited, django_assert_num_queries: Any
) -> None:
    limited(0)
    with django_assert_num_queries(0):
        assert queue.overview() is None
        assert queue.estimated_end("op-big07") is None
        assert seconds("big", 1000) == 0


def test_an_operation_is_let_through_when_what_goes_before_it_is(campaigns: Bucket) -> None:
    ends = [queue.estimated_end(f"op-{name}") for name in ("big00", "small09", "big29")]
    assert None not in ends
    first, middle, last = (end.timestamp() for end in ends if end)
    assert last - first == pytest.approx(156 * EACH_PACED, abs=2)
    assert middle - first == pytest.approx(76 * EACH_PACED, abs=2)
    assert queue.estimated_end("op-nobody") is None

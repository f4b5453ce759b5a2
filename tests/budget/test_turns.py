"""Whose turn it is when there are fewer requests than are wanted."""

from collections import Counter

import pytest
from django.db import connection

from offerhub.budget.models import Turn
from tests.budget.asking import Bucket
from tests.budget.conftest import empty

HOUR = 3600.0


@pytest.fixture(autouse=True)
def _empty(committed: None) -> None:
    empty()


def fill(bucket: Bucket) -> None:
    """All requests are used."""
    for _ in range(bucket.cap):
        assert bucket.direct()[0]


def let_in(count: int) -> None:
    """So many requests count no more, and the pace of batches is due."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE budget_bucket SET used = used[%s + 1:], paced_until = NULL", [count])


def served(bucket: Bucket, waiting: dict[str, tuple[str, int]], turns: int) -> list[str]:
    """Who gets each of so many turns, when all that wait ask again whenever there is one."""
    order = []
    for _ in range(turns):
        let_in(2)
        winners = [
            name for name, (market, lane) in waiting.items() if bucket.turn(name, market, lane)[0]
        ]
        assert len(winners) == 1, winners
        order += winners
        del waiting[winners[0]]
    return order


def queue(bucket: Bucket, *plans: tuple[str, str, int]) -> dict[str, tuple[str, int]]:
    """They ask while there is nothing, and so wait."""
    for name, market, lane in plans:
        assert bucket.turn(name, market, lane)[0] is None
    return {name: (market, lane) for name, market, lane in plans}


def test_the_lane_decides_not_who_came_first() -> None:
    bucket = Bucket(10, HOUR)
    fill(bucket)
    plans = [("batch", "a", 4), ("window", "a", 3), ("order", "a", 2), ("freeze", "a", 1)]
    waiting = queue(bucket, *plans)
    let_in(1)  # the tenth that is kept for the first lane
    assert served(bucket, waiting, 4) == ["freeze", "order", "window", "batch"]


def test_within_a_lane_marketplaces_take_turns_however_much_one_asks() -> None:
    bucket = Bucket(10, HOUR)
    fill(bucket)
    many = [(f"big{n:02}", "big", 2) for n in range(20)]
    few = [(f"small{n}", "small", 2) for n in range(4)]
    waiting = queue(bucket, *many, *few)
    let_in(1)
    first = Counter(name[:3] for name in served(bucket, waiting, 8))
    assert first == {"big": 4, "sma": 4}
    assert served(bucket, waiting, 3) == ["big04", "big05", "big06"]


def test_who_asks_one_at_a_time_gets_no_more_than_its_share() -> None:
    bucket = Bucket(10, HOUR)
    fill(bucket)
    waiting = queue(bucket, *[(f"big{n:02}", "big", 2) for n in range(20)])
    let_in(1)
    got: Counter[str] = Counter()
    for number in range(12):
        if not any(market == "one" for market, _ in waiting.values()):
            waiting |= queue(bucket, (f"one{number:02}", "one", 2))
        (name,) = served(bucket, waiting, 1)
        got[name[:3]] += 1
    assert abs(got["one"] - got["big"]) <= 1


def test_a_lane_below_gets_a_tenth_however_much_waits_above() -> None:
    bucket = Bucket(10, HOUR)
    fill(bucket)
    waiting = queue(bucket, *[(f"b{n:02}", "a", 4) for n in range(5)])
    waiting |= queue(bucket, *[(f"p{n:02}", "a", 1) for n in range(40)])
    got = Counter(name[0] for name in served(bucket, waiting, 40))
    assert got == {"p": 36, "b": 4}


def test_a_person_finds_requests_that_a_batch_may_not_use() -> None:
    bucket = Bucket(20, HOUR)
    for number in range(20):
        let_in(0)
        bucket.turn(f"batch{number}", "a", 4)
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(used) FROM budget_bucket")
        assert cursor.fetchone() == (18,)
    assert bucket.turn("order", "a", 2)[0] is None
    assert bucket.turn("freeze", "a", 1)[0] is not None


def test_a_batch_comes_at_an_even_pace_and_an_order_at_once() -> None:
    """A campaign may not burn a minute's requests in its first second."""
    bucket = Bucket(50, 60.0)
    got = [bucket.turn(f"pledge{n}", "a", 4) for n in range(20)]
    assert sum(granted is not None for granted, _ in got) == 3
    pauses = [pause for granted, pause in got if granted is None]
    assert pauses[0] == pytest.approx(60 * 2 / 45, abs=0.3)
    assert pauses[-1] == pytest.approx(60 * 2 * 17 / 45, abs=1)
    assert all(bucket.turn(f"order{n}", "b", 2)[0] for n in range(19))


def test_a_plan_keeps_its_turn_until_it_is_through() -> None:
    """Orders end one after the other, instead of all being half done."""
    bucket = Bucket(10, HOUR)
    fill(bucket)
    for name in ("one", "two"):
        assert bucket.turn(name, rest=2)[0] is None
    let_in(3)
    assert bucket.turn("one", rest=2)[0]
    assert (Turn.objects.get(pk="one").waiting, Turn.objects.get(pk="one").rest) == (False, 2)
    assert bucket.turn("one", rest=0)[0] is None  # its next step: nothing is free yet
    let_in(2)
    assert bucket.turn("two", rest=2)[0] is None
    assert bucket.turn("one", rest=0)[0]
    assert not Turn.objects.filter(pk="one").exists()


def test_a_plan_whose_account_is_busy_holds_up_nobody() -> None:
    bucket = Bucket(10, HOUR)
    fill(bucket)
    queue(bucket, ("first", "a", 2), ("second", "a", 2))
    let_in(3)
    assert bucket.turn("first", free=False) == (None, 0.25)
    assert bucket.turn("second")[0]
    assert bucket.turn("never asked", free=False) == (None, None)


def test_a_persons_patience_moves_a_plan_up() -> None:
    bucket = Bucket(10, HOUR)
    fill(bucket)
    queue(bucket, ("slow", "a", 4), ("order", "a", 2))
    queue(bucket, ("slow", "a", 1))
    assert Turn.objects.get(pk="slow").lane == 1
    let_in(2)
    assert bucket.turn("order")[0] is None
    assert bucket.turn("slow", lane=4)[0]

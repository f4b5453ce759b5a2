"""Whatever is asked, by however many: no window has more requests than the limit."""

import random
import threading
import time
from datetime import datetime, timedelta

import pytest
from django.db import connection

from offerhub.budget import requests
from tests.budget.asking import Bucket
from tests.budget.conftest import Limited, empty

CAP, SPAN = 20, 0.4


def _most(times: list[datetime], span: timedelta) -> int:
    ordered, first, most = sorted(times), 0, 0
    for last, at in enumerate(ordered):
        while at - ordered[first] >= span:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_many_threads_never_get_more_than_the_limit_in_any_window(committed: None) -> None:
    """Turns of every lane, requests out of turn, and requests that are sent late."""
    empty()
    bucket, until = Bucket(CAP, SPAN), time.monotonic() + 2.5
    sent: list[datetime] = []

    def ask(seed: int) -> None:
        rng = random.Random(seed)  # noqa: S311
        while time.monotonic() < until:
            if rng.random() < 0.2:
                granted, _ = bucket.direct()
                sent.extend([granted] if granted else [])
            else:
                plan = f"{seed}-{rng.randrange(3)}"
                granted, _ = bucket.turn(plan, rng.choice("abc"), rng.randrange(1, 5))
                if granted:
                    sent.append(granted)
                    time.sleep(rng.random() * 0.05)
                    late, _ = bucket.later(granted)
                    sent.extend([late] if late else [])
            time.sleep(rng.random() * 0.01)
        connection.close()

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _most(sent, timedelta(seconds=SPAN)) <= CAP
    assert len(sent) > CAP * 2.5 / SPAN * 0.6  # and what there is is used
    empty()


def test_what_was_used_counts_no_more_after_the_window(committed: None) -> None:
    empty()
    bucket = Bucket(4, 0.3)
    assert [bucket.direct()[1] for _ in range(4)] == [None] * 4
    granted, pause = bucket.direct()
    assert granted is None
    assert pause is not None and 0 < pause <= 0.3
    time.sleep(pause)
    assert bucket.direct()[0] is not None
    empty()


def test_a_clock_that_was_set_back_locks_nobody_out(committed: None) -> None:
    """Requests that seem to come from tomorrow count as made now."""
    empty()
    bucket = Bucket(2, 0.3)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE budget_bucket SET used = array_fill(now() + interval '1 day', ARRAY[2])"
        )
    _, pause = bucket.direct()
    assert pause is not None and pause <= 0.3
    empty()


def test_what_an_operation_did_not_use_is_given_back(limited: Limited) -> None:
    limited(10, 60.0)
    granted, _ = Bucket(10, 60).turn("one")
    assert granted is not None
    with requests.spending(requests.taken(granted, 2)):
        assert requests.spend() == 0
    assert [Bucket(10, 60).direct()[1] for _ in range(9)] == [None] * 9
    assert Bucket(10, 60).direct()[0] is None


def test_a_request_that_nobody_planned_is_taken_on_the_spot_or_refused(limited: Limited) -> None:
    limited(2, 60.0)
    assert requests.spend() == 0
    assert requests.spend() == 0
    assert 59 < requests.spend() <= 60


def test_a_refusal_of_the_provider_holds_everybody_as_long_as_it_says(limited: Limited) -> None:
    limited(10, 60.0)
    requests.hold_all(30)
    requests.hold_all(3)  # the longer word counts
    assert 29 < requests.spend() <= 30
    granted, pause = Bucket(10, 60).turn("one", lane=1)
    assert granted is None
    assert pause is not None and 29 < pause <= 31


@pytest.mark.parametrize("seconds", [30, None])
def test_without_a_limit_nothing_is_asked_of_the_database(
    limited: Limited, django_assert_num_queries: object, seconds: float | None
) -> None:
    limited(0)
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert requests.spend() == 0
        requests.hold_all(seconds)

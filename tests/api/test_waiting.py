"""Writes whose outcome comes later: who waits, how long, and what the repeats see."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import pytest
from django.db import connection, connections

from offerhub.api import waiting
from offerhub.api.models import IdempotencyKey
from offerhub.api.waiting import Answer, patience_of
from offerhub.core import jobs
from tests.api import toys
from tests.api.conftest import Api, new_api


@pytest.fixture
def api(committed: None) -> Api:
    return new_api()


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The job that finishes toys: `works` at all, goes on when it `may`; `ran` counts."""
    state: dict[str, Any] = {"works": True, "may": threading.Event(), "ran": 0}
    state["in_transaction"] = []
    state["may"].set()

    def finish(toy_id: str) -> None:
        state["ran"] += 1
        state["in_transaction"].append(connection.in_atomic_block)
        assert state["may"].wait(60)
        if state["works"]:
            toys.PENDING.discard(toy_id)
        connections.close_all()

    monkeypatch.setitem(jobs.JOBS, "toys.finish", finish)
    toys.PENDING.clear()
    yield state
    state["may"].set()
    toys.PENDING.clear()


@pytest.mark.parametrize(
    ("prefer", "seconds", "applied"),
    [
        ("", 10.0, ""),
        ("wait=5", 5.0, "wait=5"),
        ('wait="5"', 5.0, "wait=5"),
        ("Wait = 5", 5.0, "wait=5"),
        ("wait=0", 0.0, "wait=0"),
        ("wait=600", 30.0, "wait=30"),
        ("respond-async", 0.0, "respond-async"),
        ("respond-async, wait=2", 2.0, "wait=2"),
        ("handling=lenient, wait=3", 3.0, "wait=3"),
        ("wait=soon", 10.0, ""),
        ("wait=-1", 10.0, ""),
        ("wait=9999999", 10.0, ""),
        ("return=minimal", 10.0, ""),
    ],
)
def test_what_is_preferred(prefer: str, seconds: float, applied: str) -> None:
    patience = patience_of(prefer)
    assert (patience.seconds, patience.applied) == (seconds, applied)


def test_a_write_waits_for_its_outcome(api: Api, chain: dict[str, Any]) -> None:
    chain["may"].clear()
    threading.Timer(0.1, chain["may"].set).start()
    answer = api.post("/slow-toys", {"name": "Car"}, Idempotency_Key="k")
    assert (answer.status_code, answer.json()["status"]) == (201, "DONE")
    assert chain["in_transaction"] == [False]
    again = api.post("/slow-toys", {"name": "Car"}, Idempotency_Key="k")
    assert again.content == answer.content
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert chain["ran"] == 1


def test_a_route_that_does_not_wait_answers_at_once_whatever_else_is_on_its_way(
    api: Api, chain: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toys, "show", lambda toy: Answer({"id": toy}, pending=True))
    began = time.monotonic()
    assert api.post("/toys", {"name": "Car"}).status_code == 201
    assert time.monotonic() - began < 5  # the product's patience is 10 s


def test_who_does_not_wait_gets_202_and_the_work_is_sent_on(
    api: Api, chain: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[list[jobs.Ring]] = []
    monkeypatch.setattr(jobs, "_send", sent.append)
    answer = api.post("/slow-toys", {"name": "Car"}, Prefer="respond-async")
    assert (answer.status_code, answer.json()["status"]) == (202, "PENDING")
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert sent == [[("toys.finish", answer.json()["id"])]]
    assert chain["ran"] == 0


def test_whose_patience_ends_gets_202_and_the_work_goes_on(api: Api, chain: dict[str, Any]) -> None:
    chain["may"].clear()
    started = time.monotonic()
    answer = api.post("/slow-toys", {"name": "Car"}, Prefer="wait=1", Idempotency_Key="k")
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=1")
    assert time.monotonic() - started > 0.9
    chain["may"].set()
    assert IdempotencyKey.objects.get(marketplace=api.marketplace).body is None
    again = api.post("/slow-toys", {"name": "Car"}, Idempotency_Key="k")
    assert (again.status_code, again.json()["status"]) == (201, "DONE")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert chain["ran"] == 1
    assert IdempotencyKey.objects.get(marketplace=api.marketplace).body == again.content.decode()


def test_a_repeat_while_pending_follows_the_subject(
    api: Api, chain: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_send", lambda rings: None)
    first = api.post("/slow-toys", {"name": "Car"}, Idempotency_Key="k", Prefer="respond-async")
    threading.Timer(0.3, toys.PENDING.clear).start()  # somebody else finishes it
    again = api.post("/slow-toys", {"name": "Car"}, Idempotency_Key="k", Prefer="wait=5")
    assert (first.status_code, again.status_code) == (202, 201)
    assert first.json()["id"] == again.json()["id"]
    assert IdempotencyKey.objects.filter(marketplace=api.marketplace).count() == 1


def test_an_outcome_that_another_worker_brings_is_seen(api: Api, chain: dict[str, Any]) -> None:
    chain["works"] = False  # our own job finds the row taken
    threading.Timer(0.4, toys.PENDING.clear).start()
    started = time.monotonic()
    answer = api.post("/slow-toys", {"name": "Car"}, Prefer="wait=5")
    assert (answer.status_code, answer.json()["status"]) == (201, "DONE")
    assert time.monotonic() - started < 4.5  # its patience is 5 s


def test_a_job_that_fails_is_not_the_request_failing(
    api: Api, chain: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(toy_id: str) -> None:
        connections.close_all()
        raise ZeroDivisionError

    monkeypatch.setitem(jobs.JOBS, "toys.finish", fail)
    answer = api.post("/slow-toys", {"name": "Car"}, Prefer="wait=1")
    assert (answer.status_code, answer.json()["status"]) == (202, "PENDING")


def test_beyond_the_bound_nobody_waits(
    api: Api, chain: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_slots", threading.BoundedSemaphore(2))
    monkeypatch.setattr(jobs, "_send", lambda rings: None)
    chain["may"].clear()
    api.get("/me")

    def one(number: int) -> int:
        try:
            answer = api.post("/slow-toys", {"name": f"Car{number}"}, Prefer="wait=30")
            return int(answer.status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        answers = as_completed([pool.submit(one, number) for number in range(6)], timeout=60)
        assert [next(answers).result() for _ in range(4)] == [202] * 4  # while two wait
        chain["may"].set()
        assert [each.result() for each in answers] == [201, 201]


def test_refused_writes_ring_nobody(
    api: Api, chain: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[list[jobs.Ring]] = []
    monkeypatch.setattr(jobs, "_send", sent.append)
    assert api.post("/slow-toys", {"name": ""}).status_code == 400
    assert (sent, chain["ran"]) == ([], 0)

"""The worker hears bells, sweeps, survives its database and its jobs, and ends gracefully."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from offerhub.core import jobs
from offerhub.worker import Worker

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def only_our_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "JOBS", {})
    monkeypatch.setattr(jobs, "SWEEPS", {})


@contextmanager
def working(threads: int = 4) -> Iterator[Worker]:
    """A worker on a thread of this process, against the test's database."""
    listening = threading.Event()
    worker = Worker(threads, listening=listening.set)

    def run() -> None:
        try:
            worker.run()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert listening.wait(30)
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(60)
        assert not thread.is_alive()


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def terminate_listeners() -> int:
    """Cut every connection that listens, as a database restart would."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        return int(cursor.fetchone()[0])


def test_a_bell_is_answered_at_once_and_only_after_the_commit() -> None:
    ran: list[str] = []
    jobs.job("probe")(ran.append)
    with working():
        with transaction.atomic():
            jobs.ring("probe", "row_1")
            time.sleep(0.2)
            assert ran == []
        until(lambda: ran)  # there is no sweep that could have found it
    assert ran == ["row_1"]


def test_a_bell_of_a_change_that_was_rolled_back_is_never_heard() -> None:
    ran: list[str] = []
    jobs.job("probe")(ran.append)
    with working():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            jobs.ring("probe", "row_1")
            raise ZeroDivisionError
        jobs.ring("probe", "row_2")
        until(lambda: ran)
    assert ran == ["row_2"]


def test_jobs_run_side_by_side() -> None:
    together = threading.Barrier(4, timeout=30)
    met: list[str] = []

    @jobs.job("meet")
    def meet(row: str) -> None:
        together.wait()
        met.append(row)

    with working(threads=4):
        for number in range(4):
            jobs.ring("meet", str(number))
        until(lambda: len(met) == 4)


def test_a_job_that_raises_is_logged_and_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ran: list[str] = []

    @jobs.job("probe")
    def probe(row: str) -> None:
        if row == "poison":
            raise RuntimeError("spoiled")
        ran.append(row)

    with working(threads=1):
        jobs.ring("probe", "poison")
        jobs.ring("probe", "good")
        until(lambda: ran)
    assert ran == ["good"]
    assert "job_failed" in caplog.text
    assert "spoiled" in caplog.text


def test_a_row_that_rings_while_it_runs_runs_once_more_and_never_twice_at_once() -> None:
    started, go_on = threading.Event(), threading.Event()
    running: list[int] = []
    ran: list[int] = []

    @jobs.job("probe")
    def probe(row: str) -> None:
        running.append(1)
        started.set()
        go_on.wait(30)
        ran.append(len(running))
        running.pop()

    with working():
        jobs.ring("probe", "row")
        assert started.wait(30)
        jobs.ring("probe", "row")
        jobs.ring("probe", "row")
        time.sleep(0.3)
        go_on.set()
        until(lambda: len(ran) == 2)
        time.sleep(0.2)
    assert ran == [1, 1]


def test_a_job_that_asks_for_later_runs_again_then() -> None:
    times: list[float] = []

    @jobs.job("probe")
    def probe(row: str) -> None:
        times.append(time.monotonic())
        if len(times) < 3:
            raise jobs.Later(0.15)

    with working():
        jobs.ring("probe", "row")
        until(lambda: len(times) == 3)
    assert all(later - earlier > 0.14 for earlier, later in itertools.pairwise(times))


def test_what_a_job_rings_is_worked_on_too() -> None:
    ran: list[str] = []
    jobs.job("second")(ran.append)
    jobs.job("first")(lambda row: jobs.ring("second", row + "!"))
    with working():
        jobs.ring("first", "row")
        until(lambda: ran)
    assert ran == ["row!"]


def test_a_sweep_finds_what_nobody_rang_for() -> None:
    due, ran = ["lost"], list[str]()

    @jobs.job("probe")
    def probe(row: str) -> None:
        due.remove(row)
        ran.append(row)

    @jobs.sweep("probe.due", every=0.1)
    def find() -> list[jobs.Ring]:
        return [("probe", row) for row in due]

    with working():
        until(lambda: ran)
        due.append("later")
        until(lambda: len(ran) == 2)
    assert ran == ["lost", "later"]


def test_a_sweep_that_raises_is_run_again() -> None:
    calls: list[int] = []

    @jobs.sweep("spoiled", every=0.05)
    def find() -> list[jobs.Ring]:
        calls.append(1)
        raise RuntimeError("spoiled")

    with working():
        until(lambda: len(calls) >= 3)


def test_a_lost_database_connection_is_opened_again_and_what_was_missed_is_swept() -> None:
    ran, sweeps = list[str](), list[int]()
    jobs.job("probe")(ran.append)

    @jobs.sweep("rare", every=3600)
    def find() -> list[jobs.Ring]:
        sweeps.append(1)
        return []

    with working():
        until(lambda: sweeps)
        assert terminate_listeners() == 1
        until(lambda: len(sweeps) == 2)
        jobs.ring("probe", "after")
        until(lambda: ran)
    assert ran == ["after"]


def test_a_stop_ends_what_is_running_and_begins_nothing_new() -> None:
    started, ended = threading.Event(), list[str]()

    @jobs.job("probe")
    def probe(row: str) -> None:
        started.set()
        time.sleep(0.5)
        ended.append(row)

    with working(threads=1):
        jobs.ring("probe", "running")
        assert started.wait(30)
        jobs.ring("probe", "waiting")
        time.sleep(0.1)
    assert ended == ["running"]


def test_bells_that_are_not_ours_are_passed_over() -> None:
    ran: list[str] = []
    jobs.job("probe")(ran.append)
    with working():
        with connection.cursor() as cursor:
            for payload in ("", "probe", "unknown row", "probe row"):
                cursor.execute("SELECT pg_notify(%s, %s)", [jobs.CHANNEL, payload])
        until(lambda: ran)
    assert ran == ["row"]

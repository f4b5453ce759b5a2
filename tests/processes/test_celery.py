"""A real Celery worker on a real Redis: jobs end to end, and nothing depends on the broker."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import LazySettings
from django.db import connection
from kombu import pools

from offerhub.core import doorbell, jobs
from tests.processes.children import child, clean_environment, redis_server, until

pytestmark = pytest.mark.usefixtures("committed")
CELERY = (sys.executable, "-m", "celery", "-A", "tests.processes.probe")


@pytest.fixture
def broker(
    tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A Redis, and this process ringing through it."""
    from offerhub.celery import app

    with redis_server(tmp_path) as url:
        settings.CELERY_BROKER_URL = url
        app.conf.update(broker_url=url)
        monkeypatch.setattr(doorbell, "_quiet_until", 0.0)
        pools.reset()
        monkeypatch.setattr(app, "_pool", None)
        monkeypatch.setattr(app.amqp, "_producer_pool", None)
        yield url


@pytest.fixture
def table() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "DROP TABLE IF EXISTS probe;"
            "CREATE TABLE probe (id text PRIMARY KEY, begun int DEFAULT 0, done int DEFAULT 0,"
            " pause float DEFAULT 0, swept bool DEFAULT true, backend int)"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE probe")


@contextlib.contextmanager
def celery(folder: Path, broker: str, *command: str) -> Iterator[int]:
    """A Celery process that is ready; its pid."""
    from offerhub.supervisor import ready

    database = connection.settings_dict
    host = database["HOST"] or database["OPTIONS"]["host"]
    url = f"postgresql://{database['USER']}:@/{database['NAME']}?host={host}"
    file, log = folder / f"{command[0]}.ready", folder / f"{command[0]}.log"
    file.unlink(missing_ok=True)
    environment = clean_environment(
        CELERY_BROKER_URL=broker, DATABASE_URL=url, OFFERHUB_READY_FILE=str(file)
    )
    with child(*CELERY, *command, log=log, environment=environment) as process:
        until(lambda: ready.has_announced(file), 120, log.read_text)
        yield process.pid


def insert(row_id: str, *, pause: float = 0, swept: bool = True) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO probe (id, pause, swept) VALUES (%s, %s, %s)", [row_id, pause, swept]
        )


def value(column: str, row_id: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM probe WHERE id = %s", [row_id])
        return int(cursor.fetchone()[0])


def backend_of(row_id: str) -> int:
    """Which of the server's processes a job had that only the bell told of."""
    insert(row_id, swept=False)
    jobs.ring("probe", row_id)
    until(lambda: value("done", row_id) == 1, 60)
    return value("backend", row_id)


def sweep_everything() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE probe SET swept = true")


def test_a_job_runs_and_neither_a_lost_message_nor_a_killed_worker_loses_work(
    broker: str, table: None, tmp_path: Path
) -> None:
    threads = ("worker", "--pool", "threads", "--concurrency", "2", "--loglevel", "WARNING")
    beat = ("beat", "--schedule", str(tmp_path / "beat"), "--pidfile", "")
    with celery(tmp_path, broker, *beat):
        with celery(tmp_path, broker, *threads) as worker:
            # The bell alone: the sweep does not see this row.
            insert("rung", swept=False)
            jobs.ring("probe", "rung")
            until(lambda: value("done", "rung") == 1, 60)

            # The message is in the broker, the worker sleeps, and the broker forgets everything.
            os.kill(worker, signal.SIGSTOP)
            insert("forgotten", swept=False)
            jobs.ring("probe", "forgotten")
            redis.Redis.from_url(broker).flushall()
            os.kill(worker, signal.SIGCONT)
            sweep_everything()
            until(lambda: value("done", "forgotten") == 1, 60)

            # Each of the two threads keeps its connection, and has another when that one is lost.
            first = {backend_of(f"kept {n}") for n in range(6)}
            assert len(first) <= 2
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) pid", [[*first]])
            second = {backend_of(f"lost {n}") for n in range(4)}
            assert len(second) <= 2 and not first & second

            # The worker dies in the middle of a job.
            insert("broken off", pause=30)
            until(lambda: value("begun", "broken off") >= 1, 60)
            os.killpg(worker, signal.SIGKILL)
        assert value("done", "broken off") == 0
        with connection.cursor() as cursor:
            cursor.execute("UPDATE probe SET pause = 0")
        with celery(tmp_path, broker, *threads):
            until(lambda: value("done", "broken off") >= 1, 60)


def test_a_broker_that_dies_costs_the_request_nothing(
    broker: str, table: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "PAUSE", 60.0)
    caplog.set_level("WARNING", "offerhub.core.doorbell")
    jobs.ring("probe", "heard")
    with contextlib.suppress(redis.ConnectionError):
        redis.Redis.from_url(broker).shutdown(nosave=True)
    begun = time.monotonic()
    for _ in range(3):
        jobs.ring("probe", "unheard")
    assert time.monotonic() - begun < 5
    assert caplog.text.count("doorbell_unheard") == 1  # asked once, then left alone for a while


@pytest.mark.parametrize("known", [True, False], ids=["open connection", "new connection"])
def test_a_broker_that_is_silent_holds_a_request_up_for_a_moment_only(
    broker: str, table: None, known: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes connections and nothing comes: a process that hangs, a machine that vanished."""
    caplog.set_level("WARNING", "offerhub.core.doorbell")
    if known:
        jobs.ring("probe", "heard")
    os.kill(redis.Redis.from_url(broker).info()["process_id"], signal.SIGSTOP)
    asking = threading.Thread(target=doorbell.press, args=("probe", "unheard"), daemon=True)
    asking.start()
    asking.join(25)
    assert not asking.is_alive()
    assert caplog.text.count("doorbell_unheard") == 1

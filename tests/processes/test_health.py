"""What a load balancer asks."""

import threading
import time
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client

from tests.processes.children import until


@pytest.mark.django_db
def test_ready_with_a_database_and_all_its_tables(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    # How the installation is besides is in tests/operations.
    assert answer.json()["status"] in ("ok", "warning")


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'api'")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "migrations are missing"})


def test_not_ready_without_a_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def away() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "cursor", away)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "the database does not answer"}


@pytest.mark.django_db
def test_a_question_that_the_database_leaves_open_holds_up_one_thread_and_not_every_asker(
    client: Client,
) -> None:
    def ask() -> None:
        answers.append(client.get("/readyz").status_code)
        connection.close()

    answers = list[int]()
    before = threading.Thread(target=ask)  # elsewhere: this thread's transaction stays open
    before.start()
    before.join(10)
    with psycopg.connect(connection.connection.info.dsn) as session:
        session.execute("LOCK TABLE deposits_chaincursor IN ACCESS EXCLUSIVE MODE")
        time.sleep(1.1)  # until the answer from before is asked for anew
        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: waits_for_a_lock(session), 20)
        began = time.monotonic()
        assert client.get("/readyz").status_code == 200  # as it was lately
        while (answer := client.get("/readyz")).status_code == 200:
            assert time.monotonic() - began < 9  # the other's statement ends after ten
        assert answer.json() == {"status": "the database does not answer"}
        assert asking.is_alive()
    asking.join(10)
    assert answers == [200, 200]


def waits_for_a_lock(session: "psycopg.Connection[Any]") -> bool:
    session.execute("SELECT pg_stat_clear_snapshot()")  # else it is seen as it was at first
    found = session.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    ).fetchone()
    return found is not None and found[0] > 0


def test_alive_by_any_name_over_plain_http_and_without_a_database(
    client: Client, settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS = ["pay.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz", headers={"host": "10.0.0.7:8000"}).status_code == 200

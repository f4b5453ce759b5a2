"""What a load balancer asks."""

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client


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


def test_alive_by_any_name_over_plain_http_and_without_a_database(
    client: Client, settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS = ["pay.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz", headers={"host": "10.0.0.7:8000"}).status_code == 200

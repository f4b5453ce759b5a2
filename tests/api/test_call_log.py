"""The log of calls: what was asked, how it was answered, and nothing that was in it."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError

from offerhub.api import call_log
from offerhub.api.models import ApiCall
from offerhub.core import clock
from tests.api.conftest import Api, new_api


@pytest.fixture
def api(committed: None) -> Api:
    return new_api()


@pytest.fixture
def kept(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[call_log.Writer]:
    """The log, on, with nothing in it yet."""
    settings.API_CALL_LOG = True
    monkeypatch.setattr(call_log, "EVERY", 0.02)
    writer = call_log.Writer(call_log._write)
    monkeypatch.setattr(call_log, "writer", writer)
    yield writer
    writer.flush()


def calls(api: Api, count: int) -> list[ApiCall]:
    """The marketplace's calls, oldest first, once there are so many."""
    rows = ApiCall.objects.filter(marketplace=api.marketplace).order_by("id")
    deadline = time.monotonic() + 10
    while rows.count() < count and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)
    assert rows.count() == count
    return list(rows)


def test_each_call_with_a_good_key_is_one_row_without_body_or_query(
    api: Api, kept: call_log.Writer
) -> None:
    api.post("/toys", {"name": "Car of S3CRET"}, Idempotency_Key="k", X_Request_Id="one")
    api.post("/toys", {"name": "Car of S3CRET"}, Idempotency_Key="k", X_Request_Id="two")
    api.post("/toys", {"nam": "Car"}, X_Request_Id="three")
    api.get("/me?note=S3CRET", X_Request_Id="four")
    api.get("/me", Authorization="Bearer ohk_test_AAAAAAAA_nothing")  # nobody's
    rows = calls(api, 4)
    assert [(r.method, r.path, r.status, r.problem, r.idempotency) for r in rows] == [
        ("POST", "/api/v1/toys", 201, "", "KEYED"),
        ("POST", "/api/v1/toys", 201, "", "REPLAYED"),
        ("POST", "/api/v1/toys", 400, "invalid_request", ""),
        ("GET", "/api/v1/me", 200, "", ""),
    ]
    assert [r.request_id for r in rows] == ["one", "two", "three", "four"]
    assert {r.key_id for r in rows} == {api.key_id}
    assert "S3CRET" not in str([vars(row) for row in rows])


def test_a_database_that_is_away_costs_the_log_and_no_request(
    api: Api, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    def away(rows: list[ApiCall]) -> None:
        raise DatabaseError("the database is away")

    settings.API_CALL_LOG = True
    monkeypatch.setattr(call_log, "writer", call_log.Writer(away))
    assert api.get("/me").status_code == 200
    assert not ApiCall.objects.filter(marketplace=api.marketplace).exists()


def test_calls_are_forgotten_after_thirty_days(api: Api, kept: call_log.Writer) -> None:
    api.get("/me", X_Request_Id="old")
    api.get("/me", X_Request_Id="new")
    old, new = calls(api, 2)
    ApiCall.objects.filter(pk=old.pk).update(created_at=clock.now() - timedelta(days=30, hours=1))
    ApiCall.objects.filter(pk=new.pk).update(created_at=clock.now() - timedelta(days=29))
    call_log.forget_old()
    assert [row.request_id for row in calls(api, 1)] == ["new"]

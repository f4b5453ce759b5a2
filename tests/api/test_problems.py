"""Refusals as documents, and what happens when something else goes wrong."""

import json
import logging
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.db import connection

from offerhub.api.problems import document, refusal_of
from offerhub.chain.types import ChainUnavailable
from offerhub.core.errors import FieldError, InsufficientFunds, InvalidRequest, Refusal
from tests.api.conftest import Api
from tests.statements import Statements

pytestmark = pytest.mark.django_db

MEMBERS = {"type", "title", "status", "code", "detail", "requestId"}


def is_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body.keys() >= MEMBERS
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == f"/api/v1/docs#{code}"
    assert body["requestId"] == answer.headers["X-Request-Id"]
    return body


def lines(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """The log lines of failed requests, as structlog made them."""
    return [record.msg for record in caplog.records if "request_failed" in str(record.msg)]


def test_a_refusal_of_a_service_is_a_document_with_its_own_members(api: Api) -> None:
    body = is_problem(api.post("/toys", {"name": "too expensive"}), 422, "insufficient_funds")
    assert (body["available"], body["requested"]) == ("1.00", "2.00")


def test_no_route_and_no_row_are_problems_below_api_only(api: Api) -> None:
    is_problem(api.get("/nowhere"), 404, "not_found")
    is_problem(api.get("/toys/mkt_none"), 404, "not_found")
    is_problem(api.get("/toys/"), 404, "not_found")  # a slash too many is another route
    outside = api.client.get("/nowhere")
    assert outside.status_code == 404
    assert outside.headers["Content-Type"].startswith("text/html")


def test_an_unexpected_error_tells_the_request_id_and_nothing_else(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        body = is_problem(api.get("/toys/crash"), 500, "internal")
    assert "ZeroDivisionError" not in json.dumps(body)
    (line,) = lines(caplog)
    assert "ZeroDivisionError" in line["exception"]
    assert line["request_id"] == body["requestId"]


def test_a_database_that_is_away_is_503_with_retry_after(api: Api) -> None:
    answer = api.get("/toys/database")
    is_problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert "closed the connection" not in answer.content.decode()


def test_a_row_that_somebody_else_holds_is_409_with_retry_after(api: Api) -> None:
    answer = api.get("/toys/locked")
    is_problem(answer, 409, "busy")
    assert answer.headers["Retry-After"] == "1"


def test_another_host_is_a_problem_below_api(api: Api) -> None:
    is_problem(api.get("/me", Host="elsewhere.example"), 400, "malformed")


def test_members_of_a_refusal_never_replace_the_standard_ones() -> None:
    refusal = InsufficientFunds("No", available="1.00")
    refusal.extra |= {"status": 200, "code": "fine"}
    assert document(refusal, "r")["status"] == 422


def test_field_errors_are_listed_by_path() -> None:
    refusal = InvalidRequest(errors=[FieldError("a.0.b", "required", "is required")])
    body = document(refusal, "r")
    assert body["detail"] == "a.0.b is required"
    assert body["errors"] == [{"field": "a.0.b", "code": "required", "message": "is required"}]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("abc-123_x.y:z", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("", False),
        ("a b", False),
        ("a\tb", False),
        ('"}{', False),
        ("<script>", False),
        ("ü", False),
    ],
)
def test_a_request_id_is_echoed_when_it_is_safe(api: Api, sent: str, kept: bool) -> None:
    answer = api.get("/me", X_Request_Id=sent)
    assert (answer.headers["X-Request-Id"] == sent) == kept
    assert answer.headers["X-Request-Id"]


def test_the_request_id_is_in_events_and_log_lines(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    from offerhub.events.models import Event

    made = api.post("/toys", {"name": "Car"}, X_Request_Id="trace-1").json()
    event = Event.objects.get(subject=made["id"])
    assert (event.request_id, event.actor) == ("trace-1", f"api_key:{api.key_id}")
    with caplog.at_level(logging.INFO):
        api.get("/toys/crash", X_Request_Id="trace-2")
    (line,) = lines(caplog)
    assert (line["request_id"], line["marketplace"]) == ("trace-2", api.marketplace.id)
    structlog.contextvars.clear_contextvars()


def test_no_answer_may_be_kept_by_a_cache(api: Api) -> None:
    for answer in (api.get("/me"), api.get("/toys/crash"), api.post("/toys", {"name": "x"})):
        assert answer.headers["Cache-Control"] == "no-store"


def test_no_answer_depends_on_a_cookie(api: Api) -> None:
    api.get("/me")
    with Statements(connection) as queries:
        answer = api.get("/me", Cookie=f"{settings.SESSION_COOKIE_NAME}={'a' * 32}")
    assert (answer.status_code, list(queries)) == (200, [])
    assert "Cookie" not in answer.headers.get("Vary", "")


def test_codes_are_one_kind_of_refusal_each() -> None:
    from offerhub.api.reference import all_refusals

    queue, seen = [Refusal], []
    while queue:
        kind = queue.pop()
        queue.extend(kind.__subclasses__())
        seen.append(kind.code)
    assert sorted(seen) == sorted(set(seen))
    assert {kind.code for kind in all_refusals()} == set(seen) - {"refused"}


def test_secrets_never_reach_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    secret = api.token.split("_", 3)[3]
    with caplog.at_level(logging.DEBUG):
        api.get("/me")
        api.get("/toys/crash")
        api.get(f"/toys/{api.token}")
        api.get(f"/toys?name={api.token}")
        api.post("/toys", {"name": api.token, "unknown": api.token})
        api.post("/toys", b'{"name": "' + api.token.encode())
        api.get("/me", X_Request_Id=api.token)
        api.post("/toys", {"name": "x"}, Idempotency_Key=api.token)
    assert caplog.records
    for record in caplog.records:
        assert secret not in str(record.msg) + record.getMessage()


def test_a_network_that_is_away_is_no_error_of_ours_and_worth_asking_again() -> None:
    refusal = refusal_of(ChainUnavailable("10.0.0.7:8000: NewConnectionError"))
    assert (refusal.status, refusal.code, refusal.retry_after) == (503, "unavailable", 1)
    assert "10.0.0.7" not in json.dumps(document(refusal, "req"))

"""Reports through the API: asked for, watched, taken; and never another marketplace's."""

import csv
import hashlib
import io
from typing import Any

import pytest

from offerhub.core.actor import system
from offerhub.events.models import Event
from offerhub.marketplaces import services as marketplaces
from offerhub.reports import making, schedules
from offerhub.reports.models import Run
from offerhub.reports.registry import TYPES
from tests.http import Api
from tests.ledger.conftest import Books

pytestmark = pytest.mark.usefixtures("kept")


def client(server: str, books: Books, *scopes: str) -> Api:
    """A key of these books' marketplace."""
    made = marketplaces.create_api_key(
        marketplace_id=books.id,
        name="test",
        scopes=scopes or ("reports:read", "reports:write"),
        actor=system("test"),
    )
    return Api(server, made.token)


@pytest.fixture
def own(server: str, busy: Books) -> Api:
    return client(server, busy)


@pytest.fixture
def other(server: str, committed: None) -> Api:
    """Another marketplace's, which has a user of the same name."""
    return client(server, Books())


def asked_for(api: Api, body: dict[str, Any]) -> dict[str, Any]:
    """A report that was asked for, made, and read again."""
    run = api.post("/reports/runs", body, status=201)
    assert run["state"] == "QUEUED" and run["url"] is None
    making.make(run["id"])
    found: dict[str, Any] = api.get(f"/reports/runs/{run['id']}")
    return found


def test_a_report_is_asked_for_made_and_taken(own: Api, busy: Books) -> None:
    types = own.get("/reports/types")["data"]
    assert [one["name"] for one in types] == list(TYPES)
    run = asked_for(own, {"type": "ledger.entries.v1", "zone": "Europe/Vienna"})
    assert (run["state"], run["format"], run["zone"]) == ("DONE", "csv", "Europe/Vienna")
    file = own.request("GET", f"/reports/runs/{run['id']}/file")
    assert file.status_code == 200
    assert hashlib.sha256(file.content).hexdigest() == run["sha256"]
    assert file.headers["X-Content-SHA256"] == run["sha256"]
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert file.headers["Content-Disposition"].startswith("attachment; filename=")
    assert len(file.content) == run["bytes"]
    rows = [
        row
        for row in csv.DictReader(io.StringIO(file.text))
        if not row["marketplaceId"].startswith("#")
    ]
    assert len(rows) == run["rows"]
    assert {row["marketplaceId"] for row in rows} == {busy.id}
    assert {row["effectiveAt"][-3:] for row in rows} <= {"+01", "+02"}
    taken = Event.objects.get(subject=run["id"], type="report.downloaded")
    assert taken.actor.startswith("api_key:")
    listed = own.get("/reports/runs?state=DONE")["data"]
    assert [one["id"] for one in listed] == [run["id"]]


def test_a_key_sees_its_own_marketplace_and_no_other(own: Api, other: Api, busy: Books) -> None:
    run = asked_for(own, {"type": "ledger.entries.v1"})
    plan = {"type": "orders.v1", "cadence": "DAILY", "recipients": ["a@example.com"]}
    schedule = own.post("/reports/schedules", plan, status=201)
    assert other.get("/reports/runs")["data"] == other.get("/reports/schedules")["data"] == []
    for path in (f"runs/{run['id']}", f"runs/{run['id']}/file", f"schedules/{schedule['id']}"):
        other.get(f"/reports/{path}", status=404)
    refused = other.request("PATCH", f"/reports/schedules/{schedule['id']}", {"isActive": False})
    assert refused.status_code == 404
    for name in TYPES:
        body = {"type": name, "userId": busy.buyer.pk}
        if "userId" in TYPES[name].filters:
            other.post("/reports/runs", body, status=400)
    account = f"acc_{busy.lines}"[:30]
    other.post("/reports/runs", {"type": "account.statement.v1", "accountId": account}, status=400)
    for name in ("ledger.entries.v1", "orders.v1", "fees.v1", "ledger.trial-balance.v1"):
        mine = asked_for(other, {"type": name})
        assert mine["rows"] == 0, name
    for body in (
        {"type": "ledger.entries.v1", "marketplace": busy.id},
        {"type": "ledger.entries.v1", "view": "ledger.entry"},
        {"type": "ledger.entries.v1", "query": "q=x"},
    ):
        other.post("/reports/runs", body, status=400)


def test_what_is_asked_wrongly_is_refused_by_field(own: Api) -> None:
    for body, field in (
        ({"type": "ledger.entries.v1", "from": "2026-10-02", "to": "2026-10-01"}, "to"),
        ({"type": "ledger.entries.v1", "format": "beancount"}, "format"),
        ({"type": "ledger.trial-balance.v1", "from": "2026-10-02"}, "from"),
        ({"type": "account.statement.v1"}, "accountId"),
        ({"type": "orders.v1", "zone": "Nowhere"}, "zone"),
    ):
        problem = own.post("/reports/runs", body, status=400)
        assert [error["field"] for error in problem["errors"]] == [field]


def test_reading_and_asking_are_scopes_apart(server: str, busy: Books) -> None:
    reader = client(server, busy, "reports:read")
    assert reader.get("/reports/runs")["data"] == []
    problem = reader.post("/reports/runs", {"type": "orders.v1"}, status=403)
    assert problem["requiredScope"] == "reports:write"
    reader.post("/reports/schedules", {}, status=403)


def test_one_key_of_idempotency_makes_one_run(own: Api, busy: Books) -> None:
    body = {"type": "orders.v1", "from": "2026-10-01", "to": "2026-11-01"}
    headers = {"Idempotency-Key": "once"}
    first = own.post("/reports/runs", body, status=201, headers=headers)
    again = own.post("/reports/runs", body, status=201, headers=headers)
    assert first["id"] == again["id"]
    assert Run.objects.filter(marketplace=busy.id).count() == 1


def test_a_file_that_is_not_there_yet_says_so(own: Api) -> None:
    run = own.post("/reports/runs", {"type": "orders.v1"}, status=201)
    problem = own.get(f"/reports/runs/{run['id']}/file", status=409)
    assert problem["code"] == "wrong_state"


def test_a_schedule_is_made_stopped_and_read(own: Api, busy: Books) -> None:
    plan = {
        "name": "Monthly",
        "type": "journal.beancount.v1",
        "cadence": "MONTHLY",
        "zone": "Europe/Vienna",
        "recipients": ["a@example.com"],
    }
    made = own.post("/reports/schedules", plan, status=201)
    assert (made["format"], made["hour"], made["isActive"]) == ("beancount", schedules.HOUR, True)
    changed = own.request("PATCH", f"/reports/schedules/{made['id']}", {"isActive": False}).json()
    assert changed["isActive"] is False and changed["recipients"] == ["a@example.com"]
    assert own.get(f"/reports/schedules/{made['id']}") == changed
    kinds = Event.objects.filter(subject=made["id"]).order_by("sequence")
    assert list(kinds.values_list("type", flat=True)) == [
        "report.schedule_created",
        "report.schedule_changed",
    ]

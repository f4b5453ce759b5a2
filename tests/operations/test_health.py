"""What operators see: facts with limits, the same from everywhere, and cheap."""

import json
import re
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from offerhub import operations
from offerhub.chain.tables import concrete_tables
from offerhub.core import checks
from offerhub.core.clock import ProductNow
from offerhub.deposits.models import ChainCursor
from offerhub.events.models import Event, WebhookDelivery, WebhookEndpoint
from offerhub.operations import health
from offerhub.subscriptions.models import Subscription
from offerhub.users.models import Wallet
from orders.models import Campaign, ReleaseWindow
from tests.desk import rows
from tests.statements import Statements
from tests.world import ACTOR

FOLDER = Path(operations.__file__).parent
NAMES = [
    *("chainLag", "cursorAge", "oldestDue", "oldestUnknown"),
    *("eventsOutbox", "webhooksOutbox"),
]


@pytest.fixture
def quiet(db: None) -> None:
    """Nothing waits, and the monitor has just read the chain, whatever other tests left."""
    ChainCursor.objects.all().delete()
    ChainCursor.objects.create(network="sandbox", ledger=7, latest_ledger=9)
    for table in concrete_tables():
        table._base_manager.update(next_attempt_at=Now() + timedelta(days=1))
        table._base_manager.filter(status="UNKNOWN").update(created_at=Now())
    for model in (ReleaseWindow, Campaign, Subscription):
        model._base_manager.update(next_at=ProductNow() + timedelta(days=1))
    WebhookEndpoint.objects.update(status="DISABLED")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE events_event SET number = -position WHERE number IS NULL")


def facts(client: Client) -> dict[str, Any]:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    return {fact["name"]: fact for fact in answer.json()["facts"]}


def over() -> list[str]:
    return [fact.name for fact in health.read().warnings]


def test_ready_tells_each_fact_with_its_limit(quiet: None) -> None:
    client = Client()
    assert client.get("/readyz").json()["status"] == "ok"
    found = facts(client)
    assert list(found) == NAMES
    lag = {"name": "chainLag", "state": "ok", "value": 2.0, "limit": 12.0, "unit": "ledgers"}
    assert found["chainLag"] == lag
    assert found["oldestUnknown"]["value"] == 0.0


def test_a_monitor_that_is_away_is_a_warning_and_takes_nothing_out_of_service(quiet: None) -> None:
    ChainCursor.objects.update(updated_at=Now() - timedelta(minutes=5), latest_ledger=100)
    body = Client().get("/readyz")
    assert (body.status_code, body.json()["status"]) == (200, "warning")
    assert over() == ["chain_lag", "cursor_age"]
    ChainCursor.objects.update(updated_at=Now(), latest_ledger=7, state="HALTED")
    halted = facts(Client())["cursorAge"]
    assert (halted["state"], halted["detail"]) == ("warning", "halted")
    ChainCursor.objects.all().delete()
    never = facts(Client())["cursorAge"]
    assert (never["state"], never["value"], never["detail"]) == ("warning", None, "never")


def test_a_row_that_nobody_takes_is_told_unless_it_waits_for_its_turn(quiet: None) -> None:
    wallet = rows.user(rows.market(), "ada").wallet
    late = Now() - timedelta(minutes=2)
    row = rows.operation(wallet, next_attempt_at=late)
    assert over() == ["oldest_due"]
    Wallet.objects.filter(pk=wallet.pk).update(lane="opr_another")
    assert over() == []
    Wallet.objects.filter(pk=wallet.pk).update(lane="")
    model = type(row)._base_manager
    model.filter(pk=row.pk).update(problem={"code": "provider_limit"})
    assert over() == []
    model.filter(pk=row.pk).update(problem=None, lease_until=Now() + timedelta(seconds=20))
    assert over() == []


def test_an_outcome_that_stays_unknown_is_told_after_ten_minutes(quiet: None) -> None:
    wallet = rows.user(rows.market(), "ada").wallet
    row = rows.operation(wallet, status="UNKNOWN", next_attempt_at=Now() + timedelta(hours=1))
    changed = type(row)._base_manager.filter(pk=row.pk)
    changed.update(created_at=Now() - timedelta(minutes=9))
    assert over() == []
    changed.update(created_at=Now() - timedelta(minutes=11))
    assert over() == ["oldest_unknown"]


def test_both_outboxes_are_told_and_an_endpoint_that_fails_is_not_ours(quiet: None) -> None:
    market = rows.market()
    Event.objects.filter(number=None).update(number=-F("position"))
    event = Event.objects.create(
        marketplace=market,
        type="marketplace.created",
        subject=market.id,
        sequence=1_000,
        actor=str(ACTOR),
        created_at=ProductNow() - timedelta(minutes=1),
    )
    assert over() == ["events_outbox"]
    Event.objects.filter(pk=event.pk).update(number=10**12)
    endpoint = WebhookEndpoint.objects.create(marketplace=market, url="https://a.example", types=[])
    WebhookDelivery.objects.create(
        endpoint=endpoint,
        event=event,
        subject=event.subject,
        number=1,
        next_attempt_at=ProductNow() - timedelta(minutes=3),
    )
    assert over() == ["webhooks_outbox"]
    WebhookEndpoint.objects.update(failures=3)
    assert over() == []


def test_it_costs_two_statements_and_is_asked_once_a_second(quiet: None) -> None:
    with Statements(connection) as seen:
        health.read()
    assert len(seen) == 2
    client = Client()
    client.get("/readyz")
    with Statements(connection) as seen:
        for _ in range(20):
            client.get("/readyz")
    assert len(seen) == 0


def test_nothing_of_a_marketplace_is_told(quiet: None) -> None:
    market = rows.market("Secret Market")
    wallet = rows.user(market, "ada").wallet
    rows.operation(wallet, status="UNKNOWN")
    client = Client()
    for path in ("/readyz", "/metrics"):
        text = client.get(path).content.decode()
        assert not [word for word in (market.id, wallet.address, "Secret", "ada") if word in text]


def test_the_command_says_the_same_and_its_exit_status_says_how_bad(quiet: None) -> None:
    out = StringIO()
    call_command("health", "--json", stdout=out)
    assert json.loads(out.getvalue())["status"] == "ok"
    ChainCursor.objects.update(updated_at=Now() - timedelta(minutes=5))
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("health", stdout=out)
    assert ended.value.code == 1
    assert re.search(
        r"WARNING +Chain last read +(?:29|30)\d\.\d  of 30 seconds \(silent\)", out.getvalue()
    )
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'api'")
    with pytest.raises(SystemExit) as ended:
        call_command("health", stdout=StringIO())
    assert ended.value.code == 2


# --- metrics ----------------------------------------------------------------------------------
def families(client: Client, **headers: str) -> dict[str, Any]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    return {one.name: one for one in text_string_to_metric_families(answer.content.decode())}


def test_metrics_are_for_whoever_has_the_token(quiet: None, settings: Any) -> None:
    local, outside = Client(REMOTE_ADDR="127.0.0.1"), Client(REMOTE_ADDR="192.0.2.7")
    assert local.get("/metrics").status_code == 200
    assert outside.get("/metrics").status_code == 404
    forwarded = {"x-forwarded-for": "192.0.2.7"}
    assert local.get("/metrics", headers=forwarded).status_code == 404
    assert local.post("/metrics").status_code == 405
    settings.OFFERHUB_NETWORK = "mainnet"
    assert local.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "t" * 20
    for given in ("", "Bearer ", "Bearer wrong", f"Basic {'t' * 20}", f"Bearer {'t' * 21}"):
        assert outside.get("/metrics", headers={"authorization": given}).status_code == 401
    bearer = {"authorization": f"Bearer {'t' * 20}"}
    assert outside.get("/metrics", headers=bearer | {"host": "10.0.0.7"}).status_code == 200
    settings.METRICS_TOKEN = "short"
    assert [error.id for error in checks.the_metrics_token_is_one()] == ["offerhub.E004"]


def test_metrics_count_what_is_live_and_what_was_done(quiet: None) -> None:
    market = rows.market()
    user = rows.user(market, "ada", money=70_000_000)
    before = families(Client())
    rows.suspended(market)
    rows.operation(user.wallet, status="UNKNOWN", problem={"code": "books_closed"})
    found = families(Client())

    def value(name: str, **labels: str) -> float:
        samples = found[name].samples
        return next(float(s.value) for s in samples if labels.items() <= s.labels.items())

    assert value("offerhub_database_up") == 1
    assert value("offerhub_chain_lag_ledgers") == 2
    assert value("offerhub_health_limit", fact="oldest_unknown") == 600
    assert value("offerhub_operations_unknown", domain="wallets") >= 1
    assert value("offerhub_operations_books_behind", domain="wallets") >= 1
    assert value("offerhub_operations_recent", domain="wallets", status="UNKNOWN") >= 1
    was = next(s for s in before["offerhub_waiting"].samples if s.labels["queue"] == "suspense")
    assert value("offerhub_waiting", queue="suspense") == was.value + 1
    counted = {"entries", "postings", "events", "submissions", "deliveries", "deposits"}
    assert {f"offerhub_{name}" for name in counted} <= set(found)


def test_requests_are_counted_by_area_and_outcome(quiet: None) -> None:
    def refused() -> float:
        samples = families(Client())["offerhub_http_request_duration_seconds"].samples
        wanted = {"method": "GET", "area": "api", "status": "4xx"}
        counts = [s for s in samples if s.name.endswith("_count") and s.labels == wanted]
        return float(counts[0].value) if counts else 0.0

    before = refused()
    Client().get("/api/v1/me")
    assert refused() == before + 1


def test_metrics_take_as_many_statements_however_much_there_is(quiet: None) -> None:
    client = Client()
    client.get("/metrics")
    with Statements(connection) as seen:
        client.get("/metrics")
    assert len(seen) == 9


# --- alerts -----------------------------------------------------------------------------------
def _rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def _metrics_of(expression: promql_parser.Expr) -> set[str]:
    found = set()

    def visit(part: promql_parser.Expr) -> None:
        if isinstance(part, promql_parser.MatrixSelector):
            part = part.vector_selector
        if isinstance(part, promql_parser.VectorSelector):
            found.add(part.name or "")

    promql_parser.walk(expression, visit)
    return found


def test_every_alert_asks_for_metrics_that_are_shown(quiet: None) -> None:
    client = Client()
    client.get("/api/v1/me")
    text = client.get("/metrics").content.decode()
    shown = set(re.findall(r"^# TYPE (\S+)", text, re.M)) | set(re.findall(r"^(\w+)", text, re.M))
    for rule in _rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        promql_parser.parse_duration(rule.get("for", "1s"))
        named = _metrics_of(promql_parser.parse(rule["expr"]))  # raises where Prometheus would
        assert named, rule["alert"]
        assert named <= shown, rule["alert"]


def test_every_alert_has_a_section_that_says_what_to_do() -> None:
    text = (FOLDER / "README.md").read_text()
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", text, re.M | re.S))
    assert list(sections) == [rule["alert"] for rule in _rules()]
    assert [name for name, words in sections.items() if "*Do:*" not in words] == []

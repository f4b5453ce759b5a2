"""The API of events and webhooks, over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from offerhub.api.models import IdempotencyKey
from offerhub.events import replaying
from offerhub.events.models import WebhookDelivery, WebhookSecret
from tests.events.conftest import Market
from tests.events.consumer import Consumer
from tests.http import Api, served


@pytest.fixture(scope="module")
def address(django_db_setup: None) -> Iterator[str]:
    with served() as url:
        yield url


@pytest.fixture
def api(address: str, market: Market) -> Api:
    return Api(address, market.key().token)


@pytest.fixture
def stranger(address: str, committed: None) -> Api:
    return Api(address, Market("Other").key().token)


def codes(problem: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["field"], error["code"]) for error in problem["errors"]]


def test_the_log_is_read_with_one_cursor_from_the_beginning_or_behind_an_event(
    api: Api, market: Market, stranger: Api
) -> None:
    market.rename(4)
    first = api.get("/events?limit=3")
    assert [e["type"] for e in first["data"]][:2] == ["marketplace.created", "api_key.created"]
    assert first["hasMore"] is True
    assert first["nextCursor"] == first["data"][-1]["cursor"]
    rest = api.get(f"/events?after={first['nextCursor']}")
    assert [e["sequence"] for e in rest["data"]] == [3, 4, 5]
    assert rest["hasMore"] is False
    by_id = api.get(f"/events?after={first['data'][-1]['id']}")
    assert by_id == rest
    assert api.get(f"/events?cursor={first['nextCursor']}") == rest
    end = api.get(f"/events?after={rest['nextCursor']}")
    assert end == {"data": [], "hasMore": False, "nextCursor": rest["nextCursor"]}
    market.rename()
    news = api.get(f"/events?after={end['nextCursor']}")["data"]
    assert [e["sequence"] for e in news] == [6]
    one = api.get(f"/events/{news[0]['id']}")
    assert one == news[0]
    assert sorted(one["data"]) == [
        "maxPlatformFeePercent",
        "maxPlatformFeePercentBefore",
        "name",
        "platformFeePercent",
        "platformFeePercentBefore",
        "refundFeesBorneBy",
        "refundFeesBorneByBefore",
        "releasePolicy",
        "releasePolicyBefore",
    ]
    stranger.get(f"/events/{one['id']}", status=404)
    assert codes(stranger.get(f"/events?after={one['id']}", status=400)) == [
        ("after", "invalid_cursor")
    ]


def test_the_log_is_filtered_by_types_and_subject(api: Api, market: Market) -> None:
    market.rename()
    key = market.key().key
    types = [e["type"] for e in api.get("/events?types=api_key.*,marketplace.updated")["data"]]
    assert types == ["api_key.created", "marketplace.updated", "api_key.created"]
    about = api.get(f"/events?subject={key.pk}")["data"]
    assert [(e["type"], e["data"]["name"]) for e in about] == [("api_key.created", "test")]
    for query, complaint in {
        "types=orders.*": ("types", "unknown_type"),
        "types=order.created,order": ("types", "unknown_type"),
        "after=nonsense": ("after", "invalid_cursor"),
        "after=-1": ("after", "invalid_cursor"),
        "limit=0": ("limit", "invalid_limit"),
        "colour=red": ("colour", "unknown_field"),
    }.items():
        assert codes(api.get(f"/events?{query}", status=400)) == [complaint]


def test_a_secret_is_shown_once_and_rests_nowhere_but_under_its_seal(
    api: Api, market: Market, stranger: Api, consumer: Consumer
) -> None:
    body = {"url": consumer.url, "types": ["order.*"], "description": "Shop"}
    headers = {"Idempotency-Key": "first"}
    made = api.post("/webhook-endpoints", body, status=201, headers=headers)
    secret = made["secret"]
    assert secret.startswith("whsec_")
    assert len(secret) == len("whsec_") + 44
    again = api.request("POST", "/webhook-endpoints", body, headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == made
    kept = IdempotencyKey.objects.get(marketplace=market.id, key="first").body
    assert kept is not None
    row = WebhookSecret.objects.get(endpoint=made["id"])
    for resting in (kept, bytes(row.sealed_secret).decode("latin-1"), *_texts_of_the_log(market)):
        assert secret not in resting
        assert secret.removeprefix("whsec_")[:20] not in resting
    shown = api.get(f"/webhook-endpoints/{made['id']}")
    assert "secret" not in shown
    assert shown == {name: made[name] for name in shown}
    assert (shown["types"], shown["status"], shown["reason"]) == (["order.*"], "ENABLED", None)
    assert [e["id"] for e in api.get("/webhook-endpoints")["data"]] == [made["id"]]
    assert stranger.get("/webhook-endpoints")["data"] == []

    rotated = api.post(f"/webhook-endpoints/{made['id']}/rotate-secret", {"overlap": "PT2H"})
    assert rotated["secret"] not in (secret, "")
    assert rotated["overlapUntil"] is not None
    assert WebhookSecret.objects.filter(endpoint=made["id"]).count() == 2
    api.post(f"/webhook-endpoints/{made['id']}/rotate-secret")
    assert WebhookSecret.objects.filter(endpoint=made["id"]).count() == 2


def _texts_of_the_log(market: Market) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT payload::text FROM events_event WHERE marketplace_id = %s", [market.id]
        )
        return [text for (text,) in cursor.fetchall()]


def test_an_endpoint_is_changed_switched_off_and_on_and_deleted(
    api: Api, market: Market, stranger: Api, consumer: Consumer
) -> None:
    made = api.post("/webhook-endpoints", {"url": consumer.url}, status=201)
    path = f"/webhook-endpoints/{made['id']}"
    changes = {"url": consumer.url + "/2", "types": ["user.created", "order.*"]}
    changed = api.request("PATCH", path, changes).json()
    assert (changed["url"], changed["types"]) == (consumer.url + "/2", ["order.*", "user.created"])
    off = api.request("PATCH", path, {"status": "DISABLED"}).json()
    assert (off["status"], off["reason"]) == ("DISABLED", "REQUESTED")
    assert api.post(f"{path}/test", status=409)["code"] == "wrong_state"
    assert api.request("PATCH", path, {"status": "ENABLED"}).json()["reason"] is None
    for method, tail in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries")):
        assert stranger.request(method, path + tail).status_code == 404
    assert api.request("DELETE", path).status_code == 204
    assert api.request("DELETE", path).status_code == 404
    api.get(path, status=404)
    assert api.get("/webhook-endpoints")["data"] == []
    assert not WebhookSecret.objects.filter(endpoint=made["id"]).exists()
    types = [e["type"] for e in api.get(f"/events?subject={made['id']}")["data"]]
    assert types == [
        f"webhook_endpoint.{what}" for what in ("created", "updated", "disabled", "enabled")
    ] + ["webhook_endpoint.deleted"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, ("url", "required")),
        ({"url": "https://10.0.0.1/"}, ("url", "address_refused")),
        ({"url": "http://example.com/"}, ("url", "scheme_refused")),
        ({"url": "https://example.com:22/"}, ("url", "port_refused")),
        ({"url": "https://me:secret@example.com/"}, ("url", "credentials_refused")),
        ({"url": "https://example.com/", "types": ["order"]}, ("types", "unknown_type")),
        ({"url": "https://example.com/", "types": "order.*"}, ("types", "not_a_list")),
        ({"url": "https://example.com/", "secret": "whsec_x"}, ("secret", "unknown_field")),
    ],
)
def test_an_endpoint_that_nothing_could_be_sent_to_is_refused(
    api: Api, body: dict[str, Any], complaint: tuple[str, str]
) -> None:
    assert codes(api.post("/webhook-endpoints", body, status=400)) == [complaint]
    assert api.get("/webhook-endpoints")["data"] == []


def test_a_marketplace_has_at_most_twenty_endpoints(api: Api, consumer: Consumer) -> None:
    for number in range(20):
        api.post("/webhook-endpoints", {"url": f"{consumer.url}/{number}"}, status=201)
    refused = api.post("/webhook-endpoints", {"url": consumer.url}, status=422)
    assert refused["code"] == "too_many_endpoints"


def test_deliveries_are_listed_with_their_tries_and_sent_again(
    api: Api, market: Market, stranger: Api, consumer: Consumer, deliver: Any
) -> None:
    endpoint = market.endpoint(consumer.url)
    path = f"/webhook-endpoints/{endpoint.pk}/deliveries"
    consumer.reply = lambda heard: 500
    market.rename()
    deliver()
    (listed,) = api.get(path)["data"]
    assert (listed["status"], listed["attempts"], listed["answered"]) == ("PENDING", 1, 500)
    assert listed["eventId"] == consumer.ids()[0]
    assert listed["nextAttemptAt"] is not None
    one = api.get(f"{path}/{listed['id']}")
    assert one == listed | {"tried": one["tried"]}
    (tried,) = one["tried"]
    assert sorted(tried) == ["answered", "at", "detail", "milliseconds", "number", "problem"]
    assert (tried["answered"], tried["problem"]) == (500, "not_accepted")
    stranger.get(f"{path}/{listed['id']}", status=404)

    consumer.reply = lambda heard: 200
    answer = api.request(
        "POST", f"{path}/{listed['id']}/redeliver", headers={"Prefer": "respond-async"}
    )
    assert answer.status_code == 202
    deliver()
    done = api.get(f"{path}/{listed['id']}")
    assert (done["status"], done["attempts"], done["nextAttemptAt"]) == ("DELIVERED", 2, None)
    assert consumer.ids() == [listed["eventId"]] * 2
    assert api.get(f"{path}?status=PENDING")["data"] == []
    assert len(api.get(f"{path}?status=DELIVERED&subject={market.id}")["data"]) == 1

    tested = api.request(
        "POST", f"/webhook-endpoints/{endpoint.pk}/test", headers={"Prefer": "respond-async"}
    )
    assert tested.status_code == 202
    assert tested.json()["eventType"] == "webhook_endpoint.tested"
    deliver()
    assert consumer.types()[-1] == "webhook_endpoint.tested"


def test_scopes_keep_reading_and_writing_apart(address: str, market: Market) -> None:
    reader = Api(address, market.key("webhooks:read").token)
    writer = Api(address, market.key("webhooks:write").token)
    assert reader.get("/webhook-endpoints")["data"] == []
    problem = reader.post("/webhook-endpoints", {"url": "https://example.com/"}, status=403)
    assert problem["requiredScope"] == "webhooks:write"
    assert writer.get("/webhook-endpoints", status=403)["requiredScope"] == "webhooks:read"
    assert writer.get("/events", status=403)["requiredScope"] == "events:read"
    assert writer.get("/events/stream", status=403)["requiredScope"] == "events:read"


def _missed(market: Market, url: str) -> list[WebhookDelivery]:
    """Of six changes of the marketplace and a new key: given up three days ago and two hours ago,
    lost, taken, waiting for a later try, due now; given up."""
    market.endpoint(url)
    market.rename(6)
    market.key()
    market.events()
    rows = market.deliveries()
    ago = [timedelta(days=3), *[timedelta(hours=2)] * 6]
    ends = ["FAILED", "FAILED", "CANCELLED", "DELIVERED", "PENDING", "PENDING", "FAILED"]
    now = rows[-1].created_at
    for row, back, status in zip(rows, ago, ends, strict=True):
        row.created_at, row.status, row.tries = now - back, status, 10
        row.finished_at = None if status == "PENDING" else now
        row.save()
    rows[4].next_attempt_at = now + timedelta(hours=20)
    rows[4].save()
    return rows


def test_what_an_endpoint_missed_is_sent_again_a_portion_a_call_and_nothing_else(
    api: Api, market: Market, consumer: Consumer, monkeypatch: Any, deliver: Any
) -> None:
    rows = _missed(market, consumer.url)
    path, now = f"/webhook-endpoints/{rows[0].endpoint_id}/replay", rows[-1].created_at
    body: dict[str, Any] = {"since": (now - timedelta(days=1)).isoformat()}

    def statuses() -> str:
        return "".join(row.status[0] for row in market.deliveries())

    monkeypatch.setattr(replaying, "MOST_AT_ONCE", 1)
    changes, key = body | {"types": ["marketplace.*"]}, {"Idempotency-Key": "first"}
    assert api.post(path, changes, headers=key) == {"count": 1, "hasMore": True}
    assert statuses() == "FPCDPPF"  # the oldest first
    again = api.request("POST", path, changes, key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == {"count": 1, "hasMore": True}
    assert statuses() == "FPCDPPF"
    assert api.request("POST", path, body, key).json()["code"] == "idempotency_key_reused"
    assert api.post(path, changes) == {"count": 1, "hasMore": False}
    assert statuses() == "FPPDPPF"  # neither the key's event nor what was taken
    assert api.post(path, changes) == {"count": 0, "hasMore": False}
    long_ago = {"since": (now - timedelta(days=4)).isoformat()}
    period = long_ago | {"until": (now - timedelta(days=3)).isoformat()}
    assert api.post(path, period)["count"] == 0  # half open
    assert api.post(path, period | {"until": (now - timedelta(days=2)).isoformat()})["count"] == 1
    assert api.post(path, body | {"statuses": ["PENDING"], "types": []})["count"] == 1
    assert api.post(path, body | {"statuses": ["PENDING"]})["count"] == 0  # due by now
    assert statuses() == "PPPDPPF"
    assert [row.tries for row in market.deliveries()] == [0, 0, 0, 10, 0, 10, 10]
    deliver()
    assert statuses() == "DDDDDDF"
    assert consumer.ids() == [rows[n].event.id for n in (0, 1, 2, 4, 5)]


def test_a_replay_is_refused_whole_and_by_name(
    api: Api, market: Market, stranger: Api, address: str, consumer: Consumer
) -> None:
    rows = _missed(market, consumer.url)
    endpoint, now = f"/webhook-endpoints/{rows[0].endpoint_id}", rows[-1].created_at
    since = {"since": (now - timedelta(days=1)).isoformat()}
    for body, complaint in (
        ({}, ("since", "required")),
        ({"since": "2026-03-01T12:00:00"}, ("since", "invalid_time")),
        (since | {"statuses": ["DELIVERED"]}, ("statuses.0", "invalid_choice")),
        (since | {"statuses": []}, ("statuses", "min_length")),
        (since | {"types": ["order"]}, ("types", "unknown_type")),
        (since | {"subject": market.id}, ("subject", "unknown_field")),
    ):
        assert codes(api.post(f"{endpoint}/replay", body, status=400)) == [complaint]
    for body, complaint in (
        ({"since": (now + timedelta(days=1)).isoformat()}, ("since", "in_the_future")),
        (since | {"until": since["since"]}, ("until", "not_after_since")),
    ):
        assert codes(api.post(f"{endpoint}/replay", body, status=422)) == [complaint]
    reader = Api(address, market.key("webhooks:read").token)
    assert reader.post(f"{endpoint}/replay", since, status=403)["requiredScope"] == "webhooks:write"
    stranger.post(f"{endpoint}/replay", since, status=404)
    ended = {row.pk: row.status for row in rows if row.status != "PENDING"}
    assert ended == {row.pk: row.status for row in market.deliveries() if row.pk in ended}
    api.request("PATCH", endpoint, {"status": "DISABLED"})
    assert api.post(f"{endpoint}/replay", since, status=409)["code"] == "wrong_state"
    api.request("DELETE", endpoint)
    api.post(f"{endpoint}/replay", since, status=404)
    assert not market.deliveries(status="PENDING")
    assert consumer.heard == []

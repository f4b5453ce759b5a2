"""The Python package: its promises against a server that misbehaves, and the product itself."""

import asyncio
import base64
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import standardwebhooks
from offerhub_sdk import (
    ApiError,
    AsyncOfferHubClient,
    NoAnswer,
    OfferHubClient,
    StillPending,
    WebhookVerificationError,
    verify_webhook,
)
from offerhub_sdk.models import Order

from tests.http import Api
from tests.world import World

HERE = Path(__file__).parents[2] / "sdk" / "python"
BASE = "http://marketplace.test/"
Reply = httpx.Response | type[Exception]


class Server:
    """Answers as it was told, and remembers what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.seen = list(replies), list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, httpx.Response):  # a fresh one: two servers may answer it
            return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)
        raise reply("gone")

    @property
    def keys(self) -> list[str]:
        return [request.headers.get("Idempotency-Key", "") for request in self.seen]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses take no time; how long they would have been."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("offerhub_sdk._sync.http.time.sleep", pauses.append)
    monkeypatch.setattr("offerhub_sdk._async.http.asyncio.sleep", pause)
    return pauses


def blocking(server: Server, **options: Any) -> OfferHubClient:
    transport = httpx.MockTransport(server)
    return OfferHubClient("ohk_test_x", BASE, transport=transport, **options)


def reply(status: int = 200, body: Any = None, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body or {}, headers=headers)


NEW: Any = {"buyerId": "a", "sellerId": "b", "amount": Decimal("12.30")}


def both(call: Callable[[Any], Any], *replies: Reply) -> list[Server]:
    """Play a call with the blocking and with the asynchronous client; what each server saw."""
    one, two = Server(*replies), Server(*replies)
    call(blocking(one))

    async def play() -> None:
        transport = httpx.MockTransport(two)
        async with AsyncOfferHubClient("ohk_test_x", BASE, transport=transport) as client:
            await call(client)

    asyncio.run(play())
    return [one, two]


def test_a_lost_answer_is_asked_for_again_with_the_same_key() -> None:
    replies = (httpx.ReadError, httpx.ConnectError, reply(201, {"id": "ord_1"}))
    for server in both(lambda client: client.orders.create(NEW), *replies):
        assert len(server.seen) == 3
        assert len(set(server.keys)) == 1
        assert {r.content for r in server.seen} == {
            b'{"buyerId": "a", "sellerId": "b", "amount": "12.30"}'
        }
        assert str(server.seen[0].url) == "http://marketplace.test/api/v1/orders"


def test_no_amount_goes_out_as_a_float() -> None:
    server = Server()
    with pytest.raises(TypeError, match="give amounts as str, int or Decimal"):
        blocking(server).orders.create(NEW | {"amount": 12.3})
    assert server.seen == []


def test_a_refusal_is_raised_at_once_with_what_it_says() -> None:
    problem = {
        "code": "insufficient_funds",
        "detail": "1.00 of 2.00",
        "requestId": "req_1",
        "available": "1.00",
        "errors": [{"field": "amount", "code": "x", "message": "y"}],
    }
    server = Server(reply(422, problem))
    with pytest.raises(ApiError, match=r"1\.00 of 2\.00") as caught:
        blocking(server).orders.reserve("ord_1")
    error = caught.value
    assert (error.status, error.code, error.request_id) == (422, "insufficient_funds", "req_1")
    assert (error.problem["available"], error.errors[0]["field"]) == ("1.00", "amount")
    assert len(server.seen) == 1


def test_a_busy_server_is_waited_for_as_long_as_it_says(no_waiting: list[float]) -> None:
    server = Server(
        reply(429, **{"Retry-After": "7"}), reply(503, **{"Retry-After": "9"}), reply(200, {})
    )
    blocking(server).users.get("usr_1")
    assert no_waiting == [7.0, 9.0]


def test_a_change_without_a_key_is_not_sent_twice_when_its_answer_is_lost() -> None:
    server = Server(httpx.ReadError, reply())
    with pytest.raises(NoAnswer, match="PATCH /users/usr_1 got no answer"):
        blocking(server).users.update("usr_1", {"name": "Ada"})
    assert len(server.seen) == 1


def test_tries_end_and_the_key_is_told() -> None:
    server = Server(*[httpx.ReadTimeout] * 3)
    with pytest.raises(NoAnswer) as caught:
        blocking(server, max_retries=2).orders.reserve("ord_1", idempotency_key="mine")
    assert (server.keys, caught.value.idempotency_key) == (["mine"] * 3, "mine")


def test_a_pending_change_is_followed_with_the_same_request_until_it_has_ended() -> None:
    def pending(status: str) -> httpx.Response:
        return reply(202, {"id": "esc_1", "operation": {"status": status}})

    done = reply(201, {"id": "esc_1", "status": "DEPLOYED", "operation": None})
    replies = (pending("SUBMITTED"), pending("UNKNOWN"), done)
    for server in both(lambda client: client.escrow.create({"orderId": "ord_1"}), *replies):
        assert (len(server.seen), len(set(server.keys))) == (3, 1)


def test_what_waits_for_a_person_is_handed_back_at_once() -> None:
    server = Server(
        reply(202, {"operation": {"status": "AWAITING_SIGNATURE"}}),
        reply(202, {"operation": None, "proposal": {"status": "OPEN"}}),
        reply(202, {"operation": None, "approval": {"status": "OPEN"}}),
    )
    client = blocking(server)
    order = client.resolution.release({"orderId": "ord_1"})
    assert order["operation"] is not None
    client.disputes.resolve("dsp_1", {"decision": "REFUND", "note": ""})
    client.withdrawals.create({"userId": "a", "amount": 1, "destination": "G"})
    assert len(server.seen) == 3


def test_patience_with_a_pending_change_ends_and_says_what_was_seen_last() -> None:
    state = {"id": "ord_1", "operation": {"status": "PENDING"}}
    server = Server(reply(202, state), reply(202, state))
    client = blocking(server, pending_timeout=0.0)
    with pytest.raises(StillPending) as caught:
        client.orders.reserve("ord_1")
    assert caught.value.resource == state
    assert client.orders.reserve("ord_1", wait=False)["id"] == "ord_1"
    assert server.seen[-1].headers["Prefer"] == "respond-async"


def test_a_list_is_a_page_or_everything() -> None:
    first = {"data": [{"id": "a"}, {"id": "b"}], "hasMore": True, "nextCursor": "c1"}
    last = {"data": [{"id": "c"}], "hasMore": False, "nextCursor": None}
    server = Server(reply(200, first), reply(200, first), reply(200, last))
    client = blocking(server)
    assert client.orders.list(limit=2).page()["nextCursor"] == "c1"
    assert [order["id"] for order in client.orders.list(limit=2)] == ["a", "b", "c"]
    assert [request.url.query for request in server.seen] == [
        b"limit=2",
        b"limit=2",
        b"limit=2&cursor=c1",
    ]


def test_no_id_leads_out_of_its_path() -> None:
    server = Server(reply())
    blocking(server).orders.get("../users/x?y")
    assert server.seen[0].url.raw_path == b"/api/v1/orders/..%2Fusers%2Fx%3Fy"


SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def test_a_webhook_is_believed_when_one_signature_of_the_standard_fits() -> None:
    from datetime import UTC, datetime

    body, now = json.dumps({"id": "evt_1"}), datetime.now(UTC)
    signature = standardwebhooks.Webhook(SECRET).sign("evt_1", now, body)
    headers = {
        "Webhook-Id": "evt_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": f"v1,AAAA {signature}",
    }
    assert verify_webhook(body, headers, SECRET) == {"id": "evt_1"}
    assert verify_webhook(body.encode(), headers, SECRET) == {"id": "evt_1"}
    stale = str(int(now.timestamp()) - 301)
    wrong: list[tuple[str, dict[str, str]]] = [
        (body + " ", headers),
        (body, {**headers, "Webhook-Id": "evt_2"}),
        (body, {**headers, "webhook-signature": "v1,AAAA"}),
        (body, {**headers, "webhook-signature": "v1,é"}),
        (body, {**headers, "webhook-signature": signature.replace("v1,", "v2,")}),
        (body, {**headers, "webhook-timestamp": "soon"}),
        (body, {**headers, "webhook-timestamp": stale}),
        (body, {k: v for k, v in headers.items() if k != "webhook-signature"}),
    ]
    for text, sent in wrong:
        with pytest.raises(WebhookVerificationError):
            verify_webhook(text, sent, SECRET)


def sale(buyer: str, seller: str) -> Any:
    parts = [("m1", "Design mockups", "200"), ("m2", "Final implementation", "300")]
    return {
        "buyerId": buyer,
        "sellerId": seller,
        "amount": 500,
        "milestones": [{"id": i, "description": d, "amount": a} for i, d, a in parts],
    }


def test_both_clients_play_use_case_1(world: World, api: Api, no_waiting: list[float]) -> None:
    base = api.url.removesuffix("/api/v1")
    world.user("client_123", money="1000")
    world.user("freelancer_456")
    destination = world.stranger()
    new = sale("client_123", "freelancer_456")
    out: Any = {"userId": "freelancer_456", "amount": 200, "destination": destination}

    with OfferHubClient(api.key, base) as client:
        order = client.orders.create(new)
        client.orders.reserve(order["id"])
        escrow = client.escrow.create({"orderId": order["id"]})
        assert client.escrow.fund(escrow["id"])["status"] == "FUNDED"
        order = client.resolution.release({"orderId": order["id"], "milestoneId": "m1"})
        assert [m["status"] for m in order["milestones"]] == ["RELEASED", "OPEN"]
        assert client.withdrawals.create(out)["status"] == "COMPLETED"

    async def play() -> Order:
        async with AsyncOfferHubClient(api.key, base) as client:
            made = await client.orders.create(new | {"autoFund": True})
            assert made["status"] == "IN_PROGRESS"
            ended = await client.resolution.release({"orderId": made["id"]})
            lines = [line async for line in client.users.statement("freelancer_456", limit=2)]
            assert len(lines) == 4  # 200 in and out; 200 and 300 in
            return ended

    assert asyncio.run(play())["status"] == "COMPLETED"
    assert world.network.held(destination) == "200.0000000"
    assert api.get("/users/freelancer_456/balance")["available"] == "500.00"
    assert world.differences() == []


def test_what_is_made_is_up_to_date() -> None:
    command = [sys.executable, "generate.py", "--check"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_builds_a_package_with_its_types(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=HERE, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("offerhub_sdk-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"offerhub_sdk/py.typed", "offerhub_sdk/models.py"} <= names
    assert {"offerhub_sdk/_sync/client.py", "offerhub_sdk/_async/client.py"} <= names
    assert not [name for name in names if "test" in name]

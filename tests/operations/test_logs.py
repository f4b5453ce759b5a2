"""One id finds everything that a request set going: in the API, on the chain, in the books."""

import logging
from typing import Any

import pytest

from orders.models import EscrowOperation
from payouts.models import BatchPayment
from tests.http import Api
from tests.world import World

ID = "req-of-ours.42"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """What was logged of one request, in its order."""

    def found() -> list[dict[str, Any]]:
        dicts = [one.msg for one in caplog.records if isinstance(one.msg, dict)]
        return [line for line in dicts if line.get("request_id") == ID]

    with caplog.at_level(logging.INFO):
        yield found


def test_one_id_is_in_every_line_from_the_api_to_the_chain_and_back(
    world: World, api: Api, lines: Any
) -> None:
    order = _deployed(world, api)
    path = f"/escrow/{order['escrowId']}/fund"
    world.network.fault("504-after", "/helper/send-transaction")
    async_ = {"X-Request-Id": ID, "Prefer": "respond-async"}
    answer = api.request("POST", path, {}, async_)
    assert answer.status_code == 202
    assert [line["event"] for line in lines()] == ["request"]
    world.settle()  # another thread, as a worker would
    told = lines()
    operation = EscrowOperation.objects.get(order=order["id"], kind="FUND")
    assert {line["operation"] for line in told[1:]} == {operation.pk}
    sent = [(line["method"], line["path"]) for line in told if line["event"] == "chain_call"]
    assert ("POST", "/helper/send-transaction") in sent
    assert told[-1]["event"] == "operation_confirmed"
    assert told[-1]["hash"] == operation.hash
    # Nothing of what was sent is in them, and no key.
    text = " ".join(map(str, told))
    assert api.key not in text
    assert operation.xdr[:40] not in text


def test_a_request_that_waits_finds_its_own_lines(world: World, api: Api, lines: Any) -> None:
    order = _deployed(world, api)
    api.post(f"/escrow/{order['escrowId']}/fund", headers={"X-Request-Id": ID})
    told = lines()
    assert told[-1]["event"] == "request"
    names = [line["event"] for line in told]
    assert names.count("operation_confirmed") == 1
    assert {line["kind"] for line in told if "kind" in line} == {"FUND"}


def test_what_fails_is_found_by_the_same_id(world: World, api: Api, lines: Any) -> None:
    user = world.user("zoe", money="10")
    body = {"userId": user.external_id, "amount": 5, "destination": world.stranger()}
    world.work()  # what earlier tests left would meet it
    world.network.fault("503", "/transactions", method="POST", times=1)
    headers = {"X-Request-Id": ID, "Prefer": "respond-async"}
    assert api.request("POST", "/withdrawals", body, headers).ok
    world.settle()
    names = [line["event"] for line in lines()]
    assert names[0] == "request"
    assert "operation_unknown" in names
    assert names[-1] == "operation_confirmed"


def _deployed(world: World, api: Api) -> Any:
    world.user("ann", money="100")
    world.user("bob")
    sale = {"buyerId": "ann", "sellerId": "bob", "amount": 100}
    order = api.post("/orders", sale, status=201)["id"]
    api.post(f"/orders/{order}/reserve")
    api.post("/escrow", {"orderId": order}, status=201)
    return api.get(f"/orders/{order}")


def test_a_wallet_comes_to_life_under_the_request_that_made_its_user(
    world: World, api: Api, lines: Any
) -> None:
    later = {"X-Request-Id": ID, "Prefer": "respond-async"}
    assert api.request("POST", "/users", {"externalId": "new"}, later).ok
    assert [line["event"] for line in lines()] == ["request"]
    world.settle()
    assert lines()[-1]["event"] == "operation_confirmed"
    assert {line["kind"] for line in lines() if "kind" in line} == {"ACTIVATE"}


def test_a_batch_is_paid_under_the_request_that_brought_it(
    world: World, api: Api, lines: Any
) -> None:
    user, target = world.user("zoe", money="10"), world.stranger()
    item = {"userId": user.external_id, "amount": 1, "destination": target}
    later = {"X-Request-Id": ID, "Prefer": "respond-async"}
    assert api.request("POST", "/withdrawals/batch", {"items": [item]}, later).ok
    world.settle()
    assert BatchPayment.objects.get(marketplace=world.marketplace).request_id == ID
    assert lines()[-1]["event"] == "operation_confirmed"

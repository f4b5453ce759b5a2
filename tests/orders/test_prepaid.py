"""`POST /orders` with `autoFund`: one request from the buyer's balance into the contract."""

from typing import Any

import pytest

from offerhub.core.errors import WrongState
from orders import escrow_services
from orders.models import EscrowOperation, Order
from tests.http import Api
from tests.world import ACTOR, World

SALE = {"buyerId": "ann", "sellerId": "bob", "amount": 60, "description": "A vase"}


def two_users(world: World, money: str = "100") -> Any:
    ann = world.user("ann", money=money)
    world.user("bob")
    return ann


def kinds(order: str) -> list[tuple[str, str]]:
    return list(
        EscrowOperation.objects.filter(order=order).order_by("id").values_list("kind", "status")
    )


def test_one_request_reserves_deploys_and_funds(world: World, api: Api) -> None:
    ann = two_users(world)
    order = api.post("/orders", {**SALE, "autoFund": True}, status=201)
    assert (order["status"], order["operation"]) == ("IN_PROGRESS", None)
    assert kinds(order["id"]) == [("DEPLOY", "CONFIRMED"), ("FUND", "CONFIRMED")]
    seen = [moment["type"] for moment in api.get(f"/orders/{order['id']}/timeline")["data"]]
    assert seen == [
        "order.created",
        "order.reserved",
        "escrow.deploy_confirmed",
        "escrow.fund_confirmed",
    ]
    escrow = api.get(f"/escrow/{order['escrowId']}")
    assert world.network.held(escrow["contractId"]) == "60.0000000"
    assert world.balance(ann) == {
        "available": "40.00",
        "reserved": "0.00",
        "inEscrow": "60.00",
        "pendingWithdrawal": "0.00",
    }


def test_without_the_money_there_is_no_order(world: World, api: Api) -> None:
    ann = two_users(world, "59.99")
    problem = api.post("/orders", {**SALE, "autoFund": True}, status=422)
    assert (problem["code"], problem["available"]) == ("insufficient_funds", "59.99")
    assert Order.objects.filter(marketplace=world.marketplace).count() == 0
    assert world.balance(ann)["available"] == "59.99"


def test_without_the_wish_nothing_is_reserved(world: World, api: Api) -> None:
    ann = two_users(world)
    for wish in ({}, {"autoFund": False}):
        assert api.post("/orders", {**SALE, **wish}, status=201)["status"] == "CREATED"
    assert world.balance(ann)["reserved"] == "0.00"
    problem = api.post("/orders", {**SALE, "autoFund": "yes"}, status=400)
    assert [error["field"] for error in problem["errors"]] == ["autoFund"]


def test_a_key_that_may_not_fund_can_not_do_so_this_way(world: World, server: str) -> None:
    two_users(world)
    narrow = Api(server, world.key("orders:read", "orders:write"))
    problem = narrow.post("/orders", {**SALE, "autoFund": True}, status=403)
    assert "escrow:write" in problem["detail"]
    assert Order.objects.filter(marketplace=world.marketplace).count() == 0
    assert narrow.post("/orders", SALE, status=201)["status"] == "CREATED"


@pytest.mark.parametrize("answer", ["504-before", "504-after", "drop-after", "failed-200", "429"])
def test_an_unkind_network_changes_nothing_but_the_time(
    world: World, api: Api, answer: str
) -> None:
    two_users(world)
    world.network.fault(answer, "/helper/send-transaction", times=2)
    wait = {"Prefer": "respond-async"}
    order = api.post("/orders", {**SALE, "autoFund": True}, status=202, headers=wait)
    world.settle()
    assert api.get(f"/orders/{order['id']}")["status"] == "IN_PROGRESS"
    assert kinds(order["id"]) == [("DEPLOY", "CONFIRMED"), ("FUND", "CONFIRMED")]
    assert world.differences() == []


@pytest.mark.parametrize("done", ["CREATED", "RESERVED", "ESCROW_CREATED"])
def test_what_is_missing_is_done_and_what_is_done_is_left(
    world: World, api: Api, done: str
) -> None:
    ann = two_users(world)
    order = api.post("/orders", SALE, status=201)["id"]
    if done != "CREATED":
        api.post(f"/orders/{order}/reserve")
    if done == "ESCROW_CREATED":
        api.post("/escrow", {"orderId": order}, status=201)

    def prepay() -> None:
        escrow_services.request_prepaid(
            marketplace_id=world.marketplace.id, order_id=order, actor=ACTOR
        )
        world.settle()

    prepay()
    assert api.get(f"/orders/{order}")["status"] == "IN_PROGRESS"
    assert kinds(order) == [("DEPLOY", "CONFIRMED"), ("FUND", "CONFIRMED")]
    assert world.balance(ann)["inEscrow"] == "60.00"
    with pytest.raises(WrongState):
        prepay()
    assert len(kinds(order)) == 2

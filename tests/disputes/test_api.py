"""The API of disputes: what bad input gets, tenancy, scopes, and what the parties may say."""

from typing import Any

import pytest

from disputes.models import Dispute, Statement
from tests.http import Api
from tests.world import World


@pytest.fixture
def order(world: World, api: Api) -> str:
    world.user("buyer", money="300")
    world.user("seller")
    milestones = [
        {"id": "m1", "description": "One", "amount": 100},
        {"id": "m2", "description": "Two", "amount": 200},
    ]
    sale = {"buyerId": "buyer", "sellerId": "seller", "amount": 300, "milestones": milestones}
    return world.funded(api, sale)


@pytest.fixture
def dispute(api: Api, order: str) -> str:
    body = {"orderId": order, "milestoneId": "m2", "reason": "Not as described"}
    return str(api.post("/disputes", body, status=201)["id"])


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"orderId": "ord_none"}, 404, "not_found", ""),
        ({"milestoneId": "m9"}, 422, "invalid_reference", "milestoneId"),
        ({"openedBy": "somebody"}, 422, "invalid_reference", "openedBy"),
        ({"reason": ""}, 400, "invalid_request", "reason"),
        ({"reason": "x" * 501}, 400, "invalid_request", "reason"),
        ({"colour": "red"}, 400, "invalid_request", "colour"),
    ],
)
def test_a_dispute_that_can_not_be_opened_names_the_field_and_leaves_nothing(
    api: Api, order: str, change: dict[str, Any], status: int, code: str, field: str
) -> None:
    body = {"orderId": order, "reason": "Broken", **change}
    answer = api.post("/disputes", body, status=status)
    assert answer["code"] == code
    assert [error["field"] for error in answer.get("errors", [])] == ([field] if field else [])
    assert Dispute.objects.filter(order=order).count() == 0
    assert api.get(f"/orders/{order}")["status"] == "IN_PROGRESS"


def test_the_opener_is_the_buyer_unless_the_body_names_the_seller(api: Api, order: str) -> None:
    one = api.post("/disputes", {"orderId": order, "milestoneId": "m1", "reason": "A"}, status=201)
    body = {"orderId": order, "milestoneId": "m2", "reason": "B", "openedBy": "seller"}
    two = api.post("/disputes", body, status=201)
    assert (one["openedBy"], two["openedBy"]) == ("buyer", "seller")
    assert [row["id"] for row in api.get("/disputes")["data"]] == [two["id"], one["id"]]
    assert [m["status"] for m in api.get(f"/orders/{order}")["milestones"]] == [
        "DISPUTED",
        "DISPUTED",
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "decision"),
        ({"decision": "SPLIT"}, "split"),
        ({"decision": "SPLIT", "split": {"seller": 100, "buyer": 99}}, "split"),
        ({"decision": "SPLIT", "split": {"seller": 200.001, "buyer": 0}}, "split.seller"),
        ({"decision": "SPLIT", "split": {"seller": -1, "buyer": 201}}, "split.seller"),
        ({"decision": "REFUND", "split": {"seller": 0, "buyer": 200}}, "split"),
        ({"decision": "GIVE"}, "decision"),
        ({"milestones": [{"id": "m1", "decision": "REFUND"}]}, "milestones.0.id"),
        ({"decision": "REFUND", "reasonCode": "because"}, "reasonCode"),
    ],
)
def test_a_decision_that_does_not_fit_names_the_field_and_moves_nothing(
    world: World, api: Api, order: str, dispute: str, body: dict[str, Any], field: str
) -> None:
    answer = api.request("POST", f"/disputes/{dispute}/resolve", body)
    assert answer.status_code in (400, 422)
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert api.get(f"/disputes/{dispute}")["status"] == "OPEN"
    assert world.balance(world.user("seller"))["available"] == "0.00"


def test_milestone_by_milestone(world: World, api: Api, order: str) -> None:
    dispute = api.post("/disputes", {"orderId": order, "reason": "Both"}, status=201)
    answer = api.post(
        f"/disputes/{dispute['id']}/resolve",
        {
            "milestones": [
                {"id": "m2", "decision": "SPLIT", "split": {"seller": 50, "buyer": 150}},
                {"id": "m1", "decision": "REFUND"},
            ]
        },
    )
    assert (answer["status"], answer["orderStatus"]) == ("RESOLVED", "COMPLETED")
    assert [row["settlement"]["buyer"] for row in answer["milestones"]] == ["100.00", "150.00"]
    assert world.balance(world.user("seller"))["available"] == "50.00"
    assert world.differences() == []


def test_a_share_may_be_nothing(world: World, api: Api, order: str, dispute: str) -> None:
    body = {"decision": "SPLIT", "split": {"seller": 0, "buyer": 200}}
    answer = api.post(f"/disputes/{dispute}/resolve", body)
    assert (answer["decision"]["decision"], answer["orderStatus"]) == ("REFUND", "IN_PROGRESS")


def test_over_the_threshold_the_answer_is_202_and_a_proposal(
    world: World, api: Api, order: str, dispute: str, settings: Any
) -> None:
    settings.DISPUTE_APPROVAL_THRESHOLD = "100"
    answer = api.post(f"/disputes/{dispute}/resolve", {"decision": "REFUND"}, status=202)
    assert (answer["status"], answer["orderStatus"]) == ("PROPOSED", "DISPUTED")
    assert (answer["proposal"]["status"], answer["proposal"]["needsApproval"]) == ("OPEN", True)
    assert answer["decision"] is None
    assert world.balance(world.user("buyer"))["inEscrow"] == "300.00"


def test_resolving_twice_with_one_key_settles_once(
    world: World, api: Api, order: str, dispute: str
) -> None:
    route, headers = f"/disputes/{dispute}/resolve", {"Idempotency-Key": "once"}
    for _ in range(2):
        answer = api.request("POST", route, {"decision": "REFUND"}, headers)
        assert (answer.status_code, answer.json()["status"]) == (200, "RESOLVED")
    assert api.post(f"/disputes/{dispute}/resolve", {"decision": "RELEASE"}, status=409)
    assert world.balance(world.user("buyer"))["available"] == "200.00"


def test_a_shop_may_open_disputes_without_being_able_to_decide_them(
    world: World, server: str, order: str, dispute: str
) -> None:
    shop = Api(server, world.key("disputes:write", "disputes:read"))
    answer = shop.post(f"/disputes/{dispute}/resolve", {"decision": "RELEASE"}, status=403)
    assert answer["code"] == "scope_missing"
    assert shop.get(f"/disputes/{dispute}")["status"] == "OPEN"


@pytest.mark.parametrize("route", ["", "/statements", "/messages"])
def test_another_marketplace_sees_nothing(
    world: World, server: str, dispute: str, route: str
) -> None:
    other = World(world.network)
    stranger = Api(server, other.key())
    assert stranger.get(f"/disputes/{dispute}{route}", status=404)["code"] == "not_found"
    assert stranger.get("/disputes")["data"] == []


def test_a_draft_is_replaced_and_a_statement_is_for_ever(api: Api, dispute: str) -> None:
    route = f"/disputes/{dispute}/statements"
    first = api.post(route, {"by": "buyer", "text": "It is", "draft": True}, status=201)
    second = api.post(route, {"by": "buyer", "text": "It is broken", "draft": True}, status=201)
    final = api.post(route, {"by": "buyer", "text": "It is broken in two"}, status=201)
    more = api.post(route, {"by": "buyer", "text": "And late"}, status=201)
    assert first["id"] == second["id"] == final["id"] != more["id"]
    assert [(row["status"], row["text"]) for row in api.get(route)["data"]] == [
        ("SUBMITTED", "It is broken in two"),
        ("SUBMITTED", "And late"),
    ]
    with pytest.raises(Exception, match="Cannot update"):
        Statement.objects.filter(pk=final["id"]).update(text="It is fine")


def test_messages_are_read_newest_first(api: Api, dispute: str) -> None:
    route = f"/disputes/{dispute}/messages"
    for by in ("buyer", "seller"):
        api.post(route, {"by": by, "text": f"Hello from the {by}"}, status=201)
    assert [row["by"] for row in api.get(route)["data"]] == ["seller", "buyer"]


def test_withdrawing_gives_the_money_to_the_other(
    world: World, api: Api, order: str, dispute: str
) -> None:
    answer = api.post(f"/disputes/{dispute}/withdraw", {"by": "buyer"})
    assert (answer["status"], answer["orderStatus"]) == ("WITHDRAWN", "IN_PROGRESS")
    assert world.balance(world.user("seller"))["available"] == "200.00"
    assert world.differences() == []

"""What bad input gets: a problem document that names the field, and nothing half-done."""

from typing import Any

import pytest

from orders.models import Order
from tests.http import Api
from tests.world import World

GOOD = {"buyerId": "ann", "sellerId": "bob", "amount": 100, "description": "Vase"}


@pytest.fixture
def parties(world: World) -> World:
    """Ann has 100, Bob has nothing."""
    world.user("ann", money="100")
    world.user("bob")
    return world


def _milestones(*amounts: Any) -> list[dict[str, Any]]:
    return [{"id": f"m{i}", "description": "part", "amount": a} for i, a in enumerate(amounts, 1)]


BAD_ORDERS = [
    ({"amount": 0}, 400, "amount", "amount_not_positive"),
    ({"amount": -5}, 400, "amount", "amount_not_positive"),
    ({"amount": "1e2"}, 400, "amount", "invalid_amount"),
    ({"amount": "NaN"}, 400, "amount", "invalid_amount"),
    ({"amount": "10.005"}, 400, "amount", "too_many_decimals"),
    ({"amount": 10.005}, 400, "amount", "too_many_decimals"),
    ({"amount": None}, 400, "amount", "null"),
    ({"amount": True}, 400, "amount", "invalid_amount"),
    ({"amount": [100]}, 400, "amount", "invalid_amount"),
    ({"amount": "99999999999999999999"}, 400, "amount", "amount_too_large"),
    ({"buyerId": "nobody"}, 422, "buyerId", "unknown_user"),
    ({"sellerId": "usr_00000000000000000000000000"}, 422, "sellerId", "unknown_user"),
    ({"sellerId": "ann"}, 422, "sellerId", "same_party"),
    ({"sellerId": 7}, 400, "sellerId", "invalid"),
    ({"surprise": 1}, 400, "surprise", "unknown_field"),
    ({"status": "COMPLETED"}, 400, "status", "unknown_field"),
    ({"milestones": []}, 400, "milestones", "empty"),
    ({"milestones": _milestones(50, "49.99")}, 422, "milestones", "do_not_add_up"),
    ({"milestones": _milestones(60, -40, 80)}, 400, "milestones.1.amount", "amount_not_positive"),
    ({"milestones": _milestones(60, 40.001)}, 400, "milestones.1.amount", "too_many_decimals"),
    ({"milestones": _milestones(*[10] * 11), "amount": 110}, 400, "milestones", "too_many"),
    ({"milestones": [*_milestones(50), *_milestones(50)]}, 400, "milestones.1.id", "duplicate"),
    ({"milestones": [{"id": "m1", "amount": 100}]}, 400, "milestones.0.description", "required"),
    ({"description": "x" * 501}, 400, "description", "max_length"),
    ({"description": "a\u0000b"}, 400, None, None),
    ({"metadata": []}, 400, "metadata", "invalid"),
]


@pytest.mark.parametrize(("change", "status", "field", "code"), BAD_ORDERS)
def test_a_bad_order_is_refused_by_name_and_nothing_is_made(
    parties: World,
    api: Api,
    change: dict[str, Any],
    status: int,
    field: str | None,
    code: str | None,
) -> None:
    answer = api.request("POST", "/orders", {**GOOD, **change})
    problem = answer.json()
    assert answer.status_code == status, problem
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "code", "detail", "requestId"} <= set(problem)
    if field is not None:
        assert [(e["field"], e["code"]) for e in problem["errors"]] == [(field, code)]
    assert Order.objects.filter(marketplace=parties.marketplace).count() == 0


def test_a_missing_field_is_named(parties: World, api: Api) -> None:
    problem = api.post("/orders", {"buyerId": "ann"}, status=400)
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [
        ("sellerId", "required"),
        ("amount", "required"),
    ]


def test_reserving_more_than_there_is_says_how_much_there_was(parties: World, api: Api) -> None:
    order = api.post("/orders", {**GOOD, "amount": "100.01"}, status=201)
    problem = api.post(f"/orders/{order['id']}/reserve", status=422)
    assert problem["code"] == "insufficient_funds"
    assert (problem["available"], problem["requested"]) == ("100.00", "100.01")
    assert api.get(f"/orders/{order['id']}")["status"] == "CREATED"
    assert api.get("/users/ann/balance")["available"] == "100.00"


def test_a_reference_is_unique_for_ever(parties: World, api: Api) -> None:
    first = api.post("/orders", {**GOOD, "externalRef": "cart-1"}, status=201)
    problem = api.post("/orders", {**GOOD, "externalRef": "cart-1"}, status=409)
    assert problem["code"] == "duplicate_reference"
    api.post(f"/orders/{first['id']}/cancel")
    api.post("/orders", {**GOOD, "externalRef": "cart-1"}, status=409)
    assert len(api.get("/orders?externalRef=cart-1")["data"]) == 1


def test_each_step_out_of_turn_is_refused_and_says_the_state(parties: World, api: Api) -> None:
    order = api.post("/orders", GOOD, status=201)["id"]
    release = {"orderId": order, "milestoneId": "m1"}
    for path, body in [
        ("/escrow", {"orderId": order}),
        ("/resolution/release", release),
        ("/resolution/refund", {"orderId": order}),
    ]:
        problem = api.post(path, body, status=409)
        assert (problem["code"], problem["currentStatus"]) == ("wrong_state", "CREATED")
    api.post(f"/orders/{order}/reserve")
    assert api.post(f"/orders/{order}/reserve", status=409)["currentStatus"] == "RESERVED"
    api.post(f"/orders/{order}/cancel")
    assert api.post(f"/orders/{order}/cancel", status=409)["currentStatus"] == "CANCELLED"
    assert api.get("/users/ann/balance")["available"] == "100.00"


def test_an_unknown_milestone_is_named(parties: World, api: Api) -> None:
    order = parties.funded(api, GOOD)
    problem = api.post("/resolution/release", {"orderId": order, "milestoneId": "m9"}, status=422)
    assert [e["field"] for e in problem["errors"]] == ["milestoneId"]
    problem = api.post("/resolution/release", {"orderId": order, "action": "steal"}, status=400)
    assert [e["field"] for e in problem["errors"]] == ["action"]


def test_another_marketplaces_things_are_not_there(
    parties: World, api: Api, network: Any, server: str
) -> None:
    order = api.post("/orders", GOOD, status=201)["id"]
    stranger = Api(server, World(network).key())
    for method, path in [
        ("GET", f"/orders/{order}"),
        ("GET", f"/orders/{order}/milestones"),
        ("GET", f"/orders/{order}/timeline"),
        ("POST", f"/orders/{order}/reserve"),
        ("POST", f"/orders/{order}/cancel"),
        ("GET", "/users/ann"),
        ("GET", "/users/ann/wallet"),
        ("GET", "/users/ann/balance"),
    ]:
        assert stranger.request(method, path).status_code == 404, path
    for path in ("/escrow", "/resolution/release", "/resolution/refund"):
        assert stranger.post(path, {"orderId": order}, status=404)["code"] == "not_found"
    assert stranger.get("/orders")["data"] == []
    assert api.get(f"/orders/{order}")["status"] == "CREATED"

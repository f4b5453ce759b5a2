"""Use cases 2 (3c), 3 (3b) and 5 (4) of the mission, as they are written there, over HTTP."""

from typing import Any

from tests.http import Api
from tests.world import World


def booked(world: World, api: Api, buyer: str, seller: str, amount: int, text: str) -> str:
    """An order in progress between two new users; its id."""
    created = api.post("/users", {"externalId": buyer}, status=201)
    api.post("/users", {"externalId": seller}, status=201)
    world.network.mint(created["wallet"]["address"], str(amount))
    world.watch()
    sale = {"buyerId": buyer, "sellerId": seller, "amount": amount, "description": text}
    return world.funded(api, sale)


def available(api: Api, user: str) -> Any:
    return api.get(f"/users/{user}/balance")["available"]


def test_the_buyer_of_a_damaged_vase_gets_the_money_back(world: World, api: Api) -> None:
    order = booked(world, api, "buyer_789", "seller_012", 100, "Handmade ceramic vase")

    dispute = api.post("/disputes", {"orderId": order, "reason": "Item damaged"}, status=201)
    assert api.get(f"/orders/{order}")["status"] == "DISPUTED"
    answer = api.post(f"/disputes/{dispute['id']}/resolve", {"decision": "REFUND"})

    assert (answer["status"], answer["orderStatus"]) == ("RESOLVED", "REFUNDED")
    assert api.get(f"/orders/{order}")["status"] == "REFUNDED"
    assert (available(api, "buyer_789"), available(api, "seller_012")) == ("100.00", "0.00")
    assert world.differences() == []


def test_the_plumber_and_the_customer_get_half_each(world: World, api: Api) -> None:
    order = booked(world, api, "customer_345", "plumber_678", 150, "Fix kitchen sink leak")

    dispute = api.post(
        "/disputes", {"orderId": order, "reason": "Leak not fixed, still dripping"}, status=201
    )
    assert (dispute["status"], dispute["orderStatus"], dispute["frozen"]) == (
        "OPEN",
        "DISPUTED",
        True,
    )
    answer = api.post(
        f"/disputes/{dispute['id']}/resolve",
        {"decision": "SPLIT", "split": {"seller": 75, "buyer": 75}, "note": "Half of the work"},
    )

    assert (answer["status"], answer["orderStatus"]) == ("RESOLVED", "COMPLETED")
    assert answer["decision"]["split"] == {"seller": "75.00", "buyer": "75.00"}
    assert (available(api, "customer_345"), available(api, "plumber_678")) == ("75.00", "75.00")
    assert world.differences() == []


def test_a_subscription_that_is_cancelled_in_mid_month_is_divided(world: World, api: Api) -> None:
    order = booked(world, api, "customer_567", "coach_890", 100, "Monthly coaching - March 2026")

    dispute = api.post("/disputes", {"orderId": order, "reason": "cancelled"}, status=201)
    api.post(
        f"/disputes/{dispute['id']}/resolve",
        {"decision": "SPLIT", "split": {"seller": 50, "buyer": 50}, "reasonCode": "pro_rata"},
    )

    assert api.get(f"/orders/{order}")["status"] == "COMPLETED"
    assert (available(api, "customer_567"), available(api, "coach_890")) == ("50.00", "50.00")
    assert world.differences() == []

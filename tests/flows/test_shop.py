"""Use case 2 of the mission: an e-commerce marketplace, over HTTP on the sandbox network."""

from typing import Any

import pytest

from tests.http import Api
from tests.world import World

VASE = {
    "buyerId": "buyer_789",
    "sellerId": "seller_012",
    "amount": 100,
    "description": "Handmade ceramic vase",
}


@pytest.fixture
def people(world: World) -> Any:
    """The buyer has 100."""
    return world.user("buyer_789", money="100"), world.user("seller_012")


def paid(world: World, api: Api, order: str, people: Any) -> list[str]:
    """What buyer and seller can dispose of, and what the contract still holds on the chain."""
    escrow = api.get(f"/escrow/{api.get(f'/orders/{order}')['escrowId']}")
    both = [world.balance(user)["available"] for user in people]
    assert world.differences() == []
    return [*both, world.network.held(escrow["contractId"])]


def bought(api: Api) -> str:
    """Step 1 as the mission writes it: reserve, create the escrow, fund it."""
    order: str = api.post("/orders", VASE, status=201)["id"]
    assert api.post(f"/orders/{order}/reserve")["status"] == "RESERVED"
    escrow = api.post("/escrow", {"orderId": order}, status=201)["id"]
    api.post(f"/escrow/{escrow}/fund")
    assert api.get(f"/orders/{order}")["status"] == "IN_PROGRESS"
    return order


def test_the_buyer_confirms_the_delivery(world: World, api: Api, people: Any) -> None:
    order = bought(api)
    answer = api.post("/resolution/release", {"orderId": order})
    assert answer["status"] == "COMPLETED"
    assert paid(world, api, order, people) == ["0.00", "100.00", "0.0000000"]


def test_the_marketplace_releases_after_the_delivery_window(
    world: World, api: Api, people: Any
) -> None:
    order = bought(api)
    world.network.advance("P7D")
    world.watch()
    assert api.post("/resolution/release", {"orderId": order})["status"] == "COMPLETED"
    assert paid(world, api, order, people) == ["0.00", "100.00", "0.0000000"]


def test_the_delivery_window_ends_by_itself(world: World, api: Api, people: Any) -> None:
    """The same without a job of the marketplace's own: one call, and the parcel's number."""
    window = {"after": "P7D", "from": "SHIPPED"}
    order = api.post("/orders", {**VASE, "autoFund": True, "releasePolicy": window}, status=201)
    assert order["status"] == "IN_PROGRESS"
    shipped = api.post(f"/orders/{order['id']}/ship", {"carrier": "Post", "trackingNumber": "RR1"})
    assert shipped["milestones"][0]["releaseAt"] is not None
    world.network.advance("P7DT1M")
    world.watch()
    world.settle()
    assert api.get(f"/orders/{order['id']}")["status"] == "COMPLETED"
    assert paid(world, api, order["id"], people) == ["0.00", "100.00", "0.0000000"]

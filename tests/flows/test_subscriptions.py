"""Use case 5 of the mission: a subscription platform, over HTTP on the sandbox network."""

from datetime import datetime
from typing import Any

import pytest

from offerhub.core import clock
from tests.http import Api
from tests.subscriptions.scene import Scene
from tests.world import World

FEBRUARY = {
    "buyerId": "customer_567",
    "sellerId": "coach_890",
    "amount": 100,
    "description": "Monthly coaching - February 2026",
}
MARCH = {**FEBRUARY, "description": "Monthly coaching - March 2026"}


@pytest.fixture
def people(world: World) -> Any:
    """The customer has 200."""
    return world.user("customer_567", money="200"), world.user("coach_890")


def month(world: World, api: Api, sale: dict[str, Any]) -> str:
    """A month as the mission writes it: an order, its escrow, and that funded."""
    order: str = api.post("/orders", sale, status=201)["id"]
    assert api.post(f"/orders/{order}/reserve")["status"] == "RESERVED"
    escrow = api.post("/escrow", {"orderId": order}, status=201)["id"]
    api.post(f"/escrow/{escrow}/fund")
    assert api.get(f"/orders/{order}")["status"] == "IN_PROGRESS"
    return order


def test_the_marketplace_makes_each_month_itself(world: World, api: Api, people: Any) -> None:
    first = month(world, api, FEBRUARY)
    world.network.advance("P28D")
    world.watch()
    assert api.post("/resolution/release", {"orderId": first})["status"] == "COMPLETED"
    second = month(world, api, MARCH)
    world.network.advance("P14D")
    world.watch()
    body = {"orderId": second, "openedBy": "customer_567", "reason": "Cancelled on March 15"}
    dispute = api.post("/disputes", body, status=201)["id"]
    assert api.get(f"/orders/{second}")["status"] == "DISPUTED"
    half = {"decision": "SPLIT", "split": {"seller": 50, "buyer": 50}}
    api.post(f"/disputes/{dispute}/resolve", half)
    world.settle()
    assert api.get(f"/orders/{second}")["status"] == "COMPLETED"
    assert [world.balance(user)["available"] for user in people] == ["50.00", "150.00"]
    assert world.differences() == []


def test_the_same_months_come_by_themselves(world: World, api: Api) -> None:
    """One call instead of the marketplace's own calendar: released, renewed, and divided."""
    scene = Scene(world, api, money="300")
    made = scene.subscribe(description="Monthly coaching", timeZone="Europe/Berlin")
    first = made["currentCycle"]
    order = api.get(f"/orders/{first['orderId']}")
    assert (order["status"], order["amount"]) == ("IN_PROGRESS", "100.00")
    scene.until(first["endsAt"])
    assert api.get(f"/orders/{first['orderId']}")["status"] == "COMPLETED"
    second = scene.read()["currentCycle"]
    assert second["startsAt"] == first["endsAt"]
    assert scene.available() == ("100.00", "100.00")

    # The customer cancels half-way through the month.
    scene.within(second, 0.5)
    assert scene.preview()["cycles"][0]["shares"] == {"seller": "50.00", "buyer": "50.00"}
    told = scene.ask("cancel", {"when": "NOW"})
    assert (told["status"], told["openCycles"]) == ("CANCELLED", [])
    assert api.get(f"/orders/{second['orderId']}")["status"] == "COMPLETED"
    assert scene.available() == ("150.00", "150.00")
    listed = api.get(f"/subscriptions/{scene.id}/cycles")["data"]
    assert [(c["index"], c["status"], c["shares"]) for c in listed] == [
        (1, "SETTLED", {"seller": "50.00", "buyer": "50.00"}),
        (0, "SETTLED", {"seller": "100.00", "buyer": "0.00"}),
    ]
    assert [world.balance(user)["inEscrow"] for user in (scene.ann, scene.bob)] == ["0.00"] * 2
    assert datetime.fromisoformat(told["endedAt"]) <= clock.now()
    assert world.differences() == []

"""Use case 4 of the mission: quick tasks, paid in the same hour and withdrawn at once."""

import time

import pytest

from ledger.models import Entry
from tests.http import Api
from tests.world import World

TASK = {
    "buyerId": "customer_901",
    "sellerId": "tasker_234",
    "amount": 25,
    "description": "Deliver groceries",
}


@pytest.mark.parametrize("approved", ["by the customer", "by the hour that passes"])
def test_a_task_is_done_approved_and_withdrawn(world: World, api: Api, approved: str) -> None:
    customer, tasker = world.user("customer_901", money="25"), world.user("tasker_234")
    hour = {"after": "PT1H", "from": "COMPLETED"}
    order = api.post("/orders", {**TASK, "autoFund": True, "releasePolicy": hour}, status=201)
    assert order["status"] == "IN_PROGRESS"
    done = {"orderId": order["id"], "action": "complete", "evidence": "photo 17 of the door"}
    answer = api.post("/resolution/release", done)
    assert answer["milestones"][0]["status"] == "COMPLETED"
    if approved == "by the customer":
        answer = api.post("/resolution/release", {"orderId": order["id"]})
        assert answer["status"] == "COMPLETED"
    else:
        world.network.advance("PT61M")
        world.watch()
        world.settle()
        assert api.get(f"/orders/{order['id']}")["status"] == "COMPLETED"
    destination = world.stranger()
    body = {"userId": "tasker_234", "amount": 25, "destination": destination}
    assert api.post("/withdrawals", body, status=201)["status"] == "COMPLETED"
    assert world.network.held(destination) == "25.0000000"
    for user in (customer, tasker):
        assert set(world.balance(user).values()) == {"0.00"}
    assert world.differences() == []


def test_what_is_released_is_withdrawn_in_the_same_second(world: World, api: Api) -> None:
    """Pattern 4: nothing stands between the release and the withdrawal."""
    world.user("customer_901", money="25")
    world.user("tasker_234")
    order = api.post("/orders", {**TASK, "autoFund": True}, status=201)
    api.post("/resolution/release", {"orderId": order["id"], "action": "complete"})
    destination = world.stranger()
    body = {"userId": "tasker_234", "amount": 25, "destination": destination}
    began = time.monotonic()
    released = api.post("/resolution/release", {"orderId": order["id"]})
    withdrawn = api.post("/withdrawals", body, status=201)
    both = time.monotonic() - began
    assert (released["status"], withdrawn["status"]) == ("COMPLETED", "COMPLETED")
    booked = Entry.objects.filter(marketplace=world.marketplace)
    release = booked.get(kind="release")
    request = booked.get(kind="withdrawal_requested")
    apart = (request.recorded_at - release.recorded_at).total_seconds()
    assert 0 < apart < both / 2  # each request also waits for its own ledger
    assert world.network.held(destination) == "25.0000000"
    assert world.differences() == []


def test_the_taskers_of_a_day_are_paid_together(world: World, api: Api) -> None:
    """High volume at low cost: one transaction, each payment for the network's base fee."""
    names = [f"tasker_{number}" for number in range(4)]
    taskers = {name: world.user(name, money="25") for name in names}
    outside = {name: world.stranger() for name in names}
    items = [
        {"userId": name, "amount": 25, "destination": outside[name], "externalRef": f"day-1-{name}"}
        for name in names
    ]
    body, wait = {"items": items, "externalRef": "day-1"}, {"Prefer": "wait=30"}
    batch = api.post("/withdrawals/batch", body, status=201, headers=wait)
    assert (batch["status"], batch["counts"]["completed"]) == ("FINISHED", 4)
    assert batch["paid"] == "100.00"
    assert len({item["withdrawal"]["hash"] for item in batch["items"]}) == 1
    assert {item["withdrawal"]["fee"] for item in batch["items"]} == {"0.00001"}
    for name, tasker in taskers.items():
        assert world.network.held(outside[name]) == "25.0000000"
        assert set(world.balance(tasker).values()) == {"0.00"}
    assert world.differences() == []

"""Use case 4 of the mission: quick tasks, paid in the same hour and withdrawn at once."""

import pytest

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

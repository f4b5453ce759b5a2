"""Use case 1 of the mission, as it is written there, over HTTP on the sandbox network."""

from tests.http import Api
from tests.world import World


def test_the_freelance_sale_runs_as_the_mission_writes_it(world: World, api: Api) -> None:
    client = api.post("/users", {"externalId": "client_123"}, status=201)
    api.post("/users", {"externalId": "freelancer_456"}, status=201)

    # 1. The client deposits
    world.network.mint(client["wallet"]["address"], "500")
    world.watch()
    assert api.get("/users/client_123/balance")["available"] == "500.00"

    # 2. The order
    order = api.post(
        "/orders",
        {
            "buyerId": "client_123",
            "sellerId": "freelancer_456",
            "amount": 500,
            "milestones": [
                {"id": "m1", "description": "Design mockups", "amount": 200},
                {"id": "m2", "description": "Final implementation", "amount": 300},
            ],
        },
        status=201,
    )
    assert order["status"] == "CREATED"

    # 3. Reserve
    assert api.post(f"/orders/{order['id']}/reserve")["status"] == "RESERVED"
    balance = api.get("/users/client_123/balance")
    assert (balance["available"], balance["reserved"]) == ("0.00", "500.00")

    # 4. Escrow
    escrow = api.post("/escrow", {"orderId": order["id"]}, status=201)
    assert escrow["status"] == "DEPLOYED"
    assert api.get(f"/orders/{order['id']}")["status"] == "ESCROW_CREATED"
    assert api.post(f"/escrow/{escrow['id']}/fund")["status"] == "FUNDED"
    assert api.get(f"/orders/{order['id']}")["status"] == "IN_PROGRESS"
    assert world.network.held(escrow["contractId"]) == "500.0000000"

    # 5. Milestone 1: complete, approve, release, through one endpoint
    m1 = {"orderId": order["id"], "milestoneId": "m1"}
    for action, state in [
        ("complete", "COMPLETED"),
        ("approve", "APPROVED"),
        ("release", "RELEASED"),
    ]:
        answer = api.post("/resolution/release", {**m1, "action": action})
        assert [m["status"] for m in answer["milestones"]] == [state, "OPEN"]
    assert api.get("/users/freelancer_456/balance")["available"] == "200.00"

    # The second milestone in one request
    answer = api.post("/resolution/release", {"orderId": order["id"], "milestoneId": "m2"})
    assert answer["status"] == "COMPLETED"

    # 6. The freelancer withdraws
    destination = world.stranger()
    withdrawal = api.post(
        "/withdrawals",
        {"userId": "freelancer_456", "amount": 200, "destination": destination},
        status=201,
    )
    assert withdrawal["status"] == "COMPLETED"
    assert world.network.held(destination) == "200.0000000"

    balance = api.get("/users/freelancer_456/balance")
    assert (balance["available"], balance["pendingWithdrawal"], balance["total"]) == (
        "300.00",
        "0.00",
        "300.00",
    )
    assert api.get("/users/client_123/balance")["total"] == "0.00"
    assert world.network.held(client["wallet"]["address"]) == "0.0000000"
    assert world.network.held(escrow["contractId"]) == "0.0000000"
    assert world.differences() == []

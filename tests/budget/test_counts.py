"""How many requests each flow makes, as the provider counts them."""

from collections.abc import Callable
from typing import Any

from orders import escrow_services
from tests.http import Api
from tests.world import ACTOR, World


def test_each_call_to_a_contract_takes_two_requests(world: World, api: Api) -> None:
    """It is built and sent. What a contract holds is read from the ledger."""
    world.user("ann", money="40")
    world.user("bob")
    sale = {"buyerId": "ann", "sellerId": "bob", "amount": 10}
    took: dict[str, int] = {}

    def counted(name: str, ask: Callable[[], Any]) -> Any:
        before = world.network.control("provider-limit")["requests"]
        answer = ask()
        world.settle()
        took[name] = world.network.control("provider-limit")["requests"] - before
        return answer

    def new() -> str:
        order = str(api.post("/orders", sale, status=201)["id"])
        api.post(f"/orders/{order}/reserve")
        return order

    released, refunded, divided = new(), new(), new()
    escrow = counted("deploy", lambda: api.post("/escrow", {"orderId": released}, status=201))
    counted("fund", lambda: api.post(f"/escrow/{escrow['id']}/fund"))
    steps: Any = {"orderId": released, "milestoneId": "m1", "action": "release"}
    counted("complete, approve, release", lambda: api.post("/resolution/release", steps))
    for order in (refunded, divided):
        escrow_services.request_prepaid(
            marketplace_id=world.marketplace.id, order_id=order, actor=ACTOR
        )
    world.settle()
    back = {"orderId": refunded, "reason": "gone"}
    counted("refund", lambda: api.post("/resolution/refund", back))
    case = counted(
        "freeze", lambda: api.post("/disputes", {"orderId": divided, "reason": "late"}, status=201)
    )
    split = {"decision": "SPLIT", "split": {"seller": 4, "buyer": 6}}
    counted("split", lambda: api.post(f"/disputes/{case['id']}/resolve", split))
    assert took == {
        "deploy": 2,
        "fund": 2,
        "complete, approve, release": 6,
        "refund": 4,
        "freeze": 2,
        "split": 2,
    }
    assert world.differences() == []

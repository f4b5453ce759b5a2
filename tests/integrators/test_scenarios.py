"""Each magic amount and destination does what the table says, and books equal chain after it."""

from decimal import Decimal
from typing import Any

from offerhub.sandbox.scenario_table import SCENARIOS
from tests.http import Api
from tests.world import World

AT_ONCE = {"Prefer": "respond-async"}


def test_withdrawals_of_magic_amounts(place: World, its_api: Api) -> None:
    ann, total = place.user("ann", money="100"), Decimal(100)
    outside = place.stranger()
    paid: list[Any] = []
    for scenario in (s for s in SCENARIOS if s.what == "withdrawal"):
        body = {"userId": "ann", "amount": scenario.amount, "destination": outside}
        asked = its_api.post("/withdrawals", body, status=202, headers=AT_ONCE)
        place.settle()
        ended = its_api.get(f"/withdrawals/{asked['id']}")
        assert ended["status"] == scenario.ends.split(",")[0], scenario
        if scenario.code:
            assert ended["problem"]["code"] == scenario.code
        else:
            paid.append(Decimal(scenario.amount))
    assert Decimal(place.network.held(outside)) == sum(paid)
    assert Decimal(place.balance(ann)["available"]) == total - sum(paid)
    # One stroop beside a magic amount is none.
    body = {"userId": "ann", "amount": "4.0400001", "destination": outside}
    assert its_api.post("/withdrawals", body, status=201)["status"] == "COMPLETED"
    for destination in its_api.get("/sandbox/scenarios")["destinations"]:
        body = {"userId": "ann", "amount": "1", "destination": destination["address"]}
        refused = its_api.post("/withdrawals", body, status=422)
        assert refused["code"] == "destination_cannot_receive", destination
    assert place.differences() == []


def test_orders_of_magic_amounts_go_on_and_pay_once(place: World, its_api: Api) -> None:
    place.user("ann", money="100")
    bob, total = place.user("bob"), Decimal(0)
    for scenario in (s for s in SCENARIOS if s.what == "order"):
        sale = {"buyerId": "ann", "sellerId": "bob", "amount": scenario.amount, "autoFund": True}
        order = its_api.post("/orders", sale, status=202, headers=AT_ONCE)["id"]
        place.settle()
        assert its_api.get(f"/orders/{order}")["status"] == "IN_PROGRESS", scenario
        its_api.post("/resolution/release", {"orderId": order}, status=202, headers=AT_ONCE)
        place.settle()
        assert its_api.get(f"/orders/{order}")["status"] == "COMPLETED", scenario
        total += Decimal(scenario.amount)
        assert Decimal(place.balance(bob)["available"]) == total
    assert place.differences() == []

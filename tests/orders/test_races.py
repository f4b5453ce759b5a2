"""Many at once: exactly one succeeds, and money moves once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from orders.models import EscrowOperation
from tests.http import Api
from tests.world import World

SALE = {"buyerId": "ann", "sellerId": "bob", "amount": 100}


def _at_once(calls: list[Any]) -> list[tuple[int, dict[str, Any]]]:
    """Run the calls from as many threads, started together; statuses and bodies."""
    barrier = Barrier(len(calls))

    def run(call: Any) -> tuple[int, dict[str, Any]]:
        barrier.wait()
        answer = call()
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_of_32_reserves_of_one_balance_exactly_one_succeeds(world: World, api: Api) -> None:
    world.user("ann", money="100")
    world.user("bob")
    orders = [api.post("/orders", SALE, status=201)["id"] for _ in range(32)]
    answers = _at_once([lambda o=o: api.request("POST", f"/orders/{o}/reserve") for o in orders])
    assert Counter(status for status, _ in answers) == {200: 1, 422: 31}
    assert {b["code"] for status, b in answers if status == 422} == {"insufficient_funds"}
    balance = api.get("/users/ann/balance")
    assert (balance["available"], balance["reserved"]) == ("0.00", "100.00")


def test_of_32_reserves_of_one_order_exactly_one_succeeds(world: World, api: Api) -> None:
    world.user("ann", money="10000")
    world.user("bob")
    order = api.post("/orders", SALE, status=201)["id"]
    answers = _at_once([lambda: api.request("POST", f"/orders/{order}/reserve")] * 32)
    assert Counter(status for status, _ in answers) == {200: 1, 409: 31}
    assert api.get("/users/ann/balance")["reserved"] == "100.00"


def test_8_parallel_releases_of_one_milestone_pay_once(world: World, api: Api) -> None:
    world.user("ann", money="100")
    world.user("bob")
    order = world.funded(api, SALE)
    body = {"orderId": order, "milestoneId": "m1"}
    answers = _at_once([lambda: api.request("POST", "/resolution/release", body)] * 8)
    assert Counter(status for status, _ in answers) == {200: 1, 409: 7}
    assert api.get("/users/bob/balance")["available"] == "100.00"
    kinds = Counter(EscrowOperation.objects.filter(order=order).values_list("kind", flat=True))
    assert kinds == {"DEPLOY": 1, "FUND": 1, "COMPLETE": 1, "APPROVE": 1, "RELEASE": 1}
    assert world.differences() == []


def test_release_and_refund_at_once_leave_one_winner(world: World, api: Api) -> None:
    world.user("ann", money="100")
    world.user("bob")
    order = world.funded(api, SALE)
    body = {"orderId": order}
    answers = _at_once(
        [
            lambda: api.request("POST", "/resolution/release", body),
            lambda: api.request("POST", "/resolution/refund", body),
        ]
    )
    assert sorted(status for status, _ in answers) == [200, 409]
    held = {who: api.get(f"/users/{who}/balance")["available"] for who in ("ann", "bob")}
    assert sorted(held.values()) == ["0.00", "100.00"]
    assert api.get(f"/orders/{order}")["status"] == (
        "COMPLETED" if held["bob"] == "100.00" else "REFUNDED"
    )


def test_one_buyer_can_run_many_sales_at_once(world: World, api: Api) -> None:
    world.user("ann", money="600")
    world.user("bob")
    orders = [api.post("/orders", SALE, status=201)["id"] for _ in range(6)]
    for order in orders:
        api.post(f"/orders/{order}/reserve")
    answers = _at_once([lambda o=o: api.request("POST", "/escrow", {"orderId": o}) for o in orders])
    assert Counter(status for status, _ in answers) == {201: 6}
    assert len({body["contractId"] for _, body in answers}) == 6


@pytest.mark.parametrize("repeats", [16])
def test_one_idempotency_key_has_one_effect(world: World, api: Api, repeats: int) -> None:
    world.user("ann", money="100")
    world.user("bob")
    headers = {"Idempotency-Key": "checkout-1"}
    answers = _at_once([lambda: api.request("POST", "/orders", SALE, headers)] * repeats)
    assert {status for status, _ in answers} <= {201, 409}
    assert len({body["id"] for status, body in answers if status == 201}) == 1
    assert len(api.get("/orders")["data"]) == 1

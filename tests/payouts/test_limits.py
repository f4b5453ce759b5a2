"""How much may leave in a day, of one withdrawal, of one user: races at the edge included."""

from collections import Counter
from threading import Barrier
from typing import Any

import pytest

from payouts import destinations, services
from payouts.errors import LimitExceeded
from payouts.models import PayoutPolicy, Withdrawal
from tests.payouts.crowd import Crowd

UNIT = 10_000_000


def allow(crowd: Crowd, **limits: Any) -> None:
    PayoutPolicy.objects.update_or_create(marketplace=crowd.world.marketplace, defaults=limits)


def ask(crowd: Crowd, name: str, amount: str, status: int = 201) -> Any:
    body = {"userId": name, "amount": amount, "destination": crowd.destination}
    return crowd.api.post("/withdrawals", body, status=status)


def test_each_limit_says_what_it_is_and_how_much_of_it_is_used(crowd: Crowd) -> None:
    allow(crowd, most=30 * UNIT, most_user_day=50 * UNIT, most_day=70 * UNIT)
    told = ask(crowd, "u0", "30.0000001", 422)
    assert (told["code"], told["per"], told["limit"]) == ("limit_exceeded", "withdrawal", "30.00")
    ask(crowd, "u0", "30")
    told = ask(crowd, "u0", "20.0000001", 422)
    assert (told["per"], told["limit"], told["used"]) == ("userDay", "50.00", "30.00")
    assert told["errors"][0]["field"] == "amount"
    ask(crowd, "u0", "20")
    told = ask(crowd, "u1", "21", 422)
    assert (told["per"], told["used"], told["requested"]) == ("marketplaceDay", "50.00", "21.00")
    ask(crowd, "u1", "20")
    crowd.network.advance("PT24H")
    crowd.world.watch()
    ask(crowd, "u0", "30")


def test_what_failed_or_was_called_back_does_not_count(crowd: Crowd, settings: Any) -> None:
    allow(crowd, most_user_day=10 * UNIT)
    settings.WITHDRAWAL_APPROVAL_THRESHOLD = "1"
    waits = ask(crowd, "u0", "10", 202)["id"]
    assert ask(crowd, "u0", "0.0000001", 422)["used"] == "10.00"
    crowd.api.post(f"/withdrawals/{waits}/cancel")
    settings.WITHDRAWAL_APPROVAL_THRESHOLD = "0"
    ask(crowd, "u0", "10")


@pytest.mark.parametrize("limit", ["most_day", "most_user_day"])
def test_of_50_at_the_edge_exactly_as_many_leave_as_the_limit_holds(
    crowd: Crowd, limit: str
) -> None:
    allow(crowd, **{limit: 7 * UNIT})
    checked = destinations.check(
        marketplace_id=crowd.world.marketplace.id,
        user_reference="u0",
        amount=UNIT,
        destination=crowd.destination,
    )
    barrier = Barrier(50)

    def request() -> str:
        barrier.wait()
        try:
            services.request_withdrawal(checked=checked, actor=crowd.world.actor)
        except LimitExceeded:
            return "refused"
        return "taken"

    assert Counter(crowd.at_once([request] * 50)) == {"taken": 7, "refused": 43}
    crowd.world.settle()
    rows = Withdrawal.objects.filter(marketplace=crowd.world.marketplace)
    assert Counter(rows.values_list("status", flat=True)) == {"COMPLETED": 7}
    assert (crowd.received(), crowd.arrived()) == (7, "7.00")
    assert crowd.books_are_right()


def test_a_batch_is_cut_at_the_limit_item_by_item(crowd: Crowd) -> None:
    allow(crowd, most_day=25 * UNIT)
    answer = crowd.post(
        [crowd.item("u0"), crowd.item("u1"), crowd.item("u2"), crowd.item("u2", "5")]
    )
    codes = [item["problem"] and item["problem"]["code"] for item in answer["items"]]
    assert codes == [None, None, "limit_exceeded", None]
    assert crowd.arrived() == "25.00"

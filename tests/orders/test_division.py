"""A milestone that is divided as both parties agreed, without a dispute."""

import pytest

from offerhub.core.errors import WrongState
from offerhub.core.money import parse_amount
from orders import escrow_services
from orders.again import request_again
from orders.models import EscrowOperation, Order
from tests.http import Api
from tests.world import ACTOR, World

SALE = {"buyerId": "ann", "sellerId": "bob", "amount": 100, "autoFund": True}
PARTS = [
    {"id": "m1", "description": "a", "amount": 60},
    {"id": "m2", "description": "b", "amount": 40},
]


class Agreed:
    """Ann's and Bob's order of 100, paid into its contract."""

    def __init__(self, world: World, api: Api, **more: object) -> None:
        self.world = world
        self.ann, self.bob = world.user("ann", money="100"), world.user("bob")
        self.order: str = api.post("/orders", {**SALE, **more}, status=201)["id"]

    @property
    def row(self) -> Order:
        return Order.objects.get(pk=self.order)

    def divide(self, to_seller: str, milestone: str | None = None) -> None:
        escrow_services.request_division(
            marketplace_id=self.world.marketplace.id,
            order_id=self.order,
            milestone_ref=milestone,
            to_seller=parse_amount(to_seller) if to_seller != "0" else 0,
            reason="The month ended early",
            actor=ACTOR,
        )

    def steps(self) -> list[tuple[str, str]]:
        calls = EscrowOperation.objects.filter(order=self.order).order_by("id")
        return list(calls.values_list("kind", "status"))[2:]

    def available(self) -> tuple[str, str]:
        balance = self.world.balance
        return balance(self.ann)["available"], balance(self.bob)["available"]


def test_each_gets_what_was_agreed_and_the_order_is_completed(world: World, api: Api) -> None:
    agreed = Agreed(world, api)
    agreed.divide("51.61")
    world.settle()
    assert agreed.available() == ("48.39", "51.61")
    assert agreed.row.status == "COMPLETED"
    assert agreed.steps() == [("DISPUTE", "CONFIRMED"), ("RESOLVE", "CONFIRMED")]
    types = [moment["type"] for moment in api.get(f"/orders/{agreed.order}/timeline")["data"]]
    assert "dispute.opened" not in types
    assert world.differences() == []


@pytest.mark.parametrize(
    ("to_seller", "left", "ends"),
    [("100", ("0.00", "100.00"), "COMPLETED"), ("0", ("100.00", "0.00"), "REFUNDED")],
)
def test_a_division_with_nothing_for_one_is_a_release_or_a_refund(
    world: World, api: Api, to_seller: str, left: tuple[str, str], ends: str
) -> None:
    agreed = Agreed(world, api)
    agreed.divide(to_seller)
    world.settle()
    assert (agreed.available(), agreed.row.status) == (left, ends)


def test_one_milestone_of_several_is_divided_and_the_other_goes_on(world: World, api: Api) -> None:
    agreed = Agreed(world, api, milestones=PARTS)
    agreed.divide("15", "m1")
    world.settle()
    assert (agreed.available(), agreed.row.status) == (("45.00", "15.00"), "IN_PROGRESS")
    api.post("/resolution/release", {"orderId": agreed.order})
    assert (agreed.available(), agreed.row.status) == (("45.00", "55.00"), "COMPLETED")
    with pytest.raises(WrongState):
        agreed.divide("15", "m1")


@pytest.mark.parametrize("when", ["before it was planned", "after it was planned"])
def test_money_that_a_stranger_sent_in_goes_out_first(world: World, api: Api, when: str) -> None:
    agreed = Agreed(world, api)
    contract = agreed.row.escrow.contract_id
    world.network.mint(contract, "0.0000001")
    if when == "before it was planned":
        world.watch()
    agreed.divide("50")
    world.work()
    world.watch()
    world.settle()
    world.watch()
    assert agreed.row.status == "COMPLETED"
    assert agreed.available() == ("50.0000001", "50.00")
    swept = [status for kind, status in agreed.steps() if kind == "SWEEP"]
    assert swept == ["CONFIRMED"]
    assert world.differences() == []


def test_a_division_whose_last_call_failed_can_be_asked_for_again(world: World, api: Api) -> None:
    agreed = Agreed(world, api)
    agreed.divide("50")
    world.network.fault("503", "/resolve-dispute", times=1000)
    world.work()
    failed = EscrowOperation.objects.get(order=agreed.order, kind="RESOLVE")
    EscrowOperation.objects.filter(pk=failed.pk).update(
        status="FAILED", problem={"code": "test", "detail": ""}, lease="", lease_until=None
    )
    type(failed.source_wallet).objects.filter(pk=failed.source_wallet_id).update(lane="")
    world.network.heal()
    request_again(operation_id=failed.pk, actor=ACTOR)
    world.settle()
    assert agreed.available() == ("50.00", "50.00")
    assert agreed.row.status == "COMPLETED"

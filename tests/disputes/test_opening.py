"""Opening a dispute freezes its money on the chain, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from disputes import services as disputes
from disputes.models import Dispute
from disputes.states import Party
from offerhub.core.errors import NotFound, OperationInFlight, WrongState
from offerhub.events.models import Event
from orders import escrow_services
from orders.models import EscrowOperation
from tests.disputes.conftest import Sale
from tests.world import World

Sales = Callable[..., Sale]


def now(dispute: Dispute) -> Dispute:
    return Dispute.objects.get(pk=dispute.pk)


def test_the_order_is_disputed_once_the_freeze_is_confirmed(sale: Sales, world: World) -> None:
    one = sale("100")
    dispute = one.dispute(settle=False)
    assert (one.order.status, one.milestones[0].status) == ("IN_PROGRESS", "OPEN")
    world.settle()
    assert (one.order.status, one.milestones[0].status) == ("DISPUTED", "DISPUTED")
    assert now(dispute).problem is None
    assert world.balance(one.buyer)["inEscrow"] == "100.00"
    assert world.differences() == []


@pytest.mark.parametrize(("by", "signer"), [(Party.BUYER, "buyer"), (Party.SELLER, "seller")])
def test_the_freeze_is_signed_by_the_party_that_opened(
    sale: Sales, world: World, by: Party, signer: str
) -> None:
    one = sale("100")
    one.dispute(by=by)
    (call,) = EscrowOperation.objects.filter(order=one.order_id, kind="DISPUTE")
    assert call.source_wallet_id == world.wallet(getattr(one, signer)).pk
    assert call.status == "CONFIRMED"


def test_a_milestone_that_is_not_disputed_goes_on(sale: Sales, world: World) -> None:
    one = sale("100", "200")
    one.dispute("m2")
    assert [m.status for m in one.milestones] == ["OPEN", "DISPUTED"]
    escrow_services.request_release(
        marketplace_id=world.marketplace.id,
        order_id=one.order_id,
        milestone_ref="m1",
        action="release",
        actor=world.actor,
    )
    world.settle()
    assert [m.status for m in one.milestones] == ["RELEASED", "DISPUTED"]
    assert one.order.status == "DISPUTED"
    assert world.balance(one.seller)["available"] == "100.00"
    assert world.differences() == []


def test_a_disputed_milestone_can_neither_be_released_nor_refunded(
    sale: Sales, world: World
) -> None:
    one = sale("100", "200")
    one.dispute("m2")
    known: Any = {"marketplace_id": world.marketplace.id, "order_id": one.order_id}
    with pytest.raises(WrongState, match="m2 is DISPUTED"):
        escrow_services.request_release(
            **known, milestone_ref="m2", action="release", actor=world.actor
        )
    with pytest.raises(WrongState, match="m2 is DISPUTED"):
        escrow_services.request_refund(**known, milestone_ref="m2", reason="", actor=world.actor)
    assert EscrowOperation.objects.filter(order=one.order_id, kind="RELEASE").count() == 0


def test_a_milestone_has_at_most_one_open_dispute(sale: Sales) -> None:
    one = sale("100", "200")
    one.dispute("m2")
    with pytest.raises(disputes.AlreadyDisputed):
        one.dispute("m2")
    one.dispute()  # the rest
    with pytest.raises(disputes.AlreadyDisputed):
        one.dispute()
    assert Dispute.objects.filter(order=one.order_id).count() == 2


def test_a_dispute_overtakes_what_was_planned_for_its_milestone(sale: Sales, world: World) -> None:
    one = sale("100", "200")
    escrow_services.request_release(
        marketplace_id=world.marketplace.id,
        order_id=one.order_id,
        milestone_ref=None,
        action="release",
        actor=world.actor,
    )
    one.dispute("m2", settle=False)  # while the first call for m1 is on its way
    world.settle()
    assert [m.status for m in one.milestones] == ["RELEASED", "DISPUTED"]
    kinds = EscrowOperation.objects.filter(order=one.order_id).order_by("id").values_list("kind")
    assert [kind for (kind,) in kinds][2:] == ["COMPLETE", "DISPUTE", "APPROVE", "RELEASE"]
    assert world.differences() == []


def test_what_is_being_paid_right_now_can_not_be_disputed(sale: Sales, world: World) -> None:
    one = sale("100")
    known: Any = {"marketplace_id": world.marketplace.id, "order_id": one.order_id}
    for action in ("complete", "approve"):
        escrow_services.request_release(
            **known, milestone_ref="m1", action=action, actor=world.actor
        )
        world.settle()
    escrow_services.request_release(
        **known, milestone_ref="m1", action="release", actor=world.actor
    )
    with pytest.raises((OperationInFlight, WrongState)):
        one.dispute(settle=False)
    world.settle()
    assert one.order.status == "COMPLETED"
    assert Dispute.objects.filter(order=one.order_id).count() == 0
    with pytest.raises(WrongState):
        one.dispute()


def test_another_marketplace_can_not_open_it(sale: Sales, world: World) -> None:
    one = sale("100")
    other = World(world.network)
    with pytest.raises(NotFound):
        disputes.open_dispute(
            marketplace_id=other.marketplace.id,
            new=disputes.NewDispute(one.order_id, Party.BUYER, "Mine"),
            actor=world.actor,
        )
    assert Dispute.objects.filter(order=one.order_id).count() == 0


def test_every_step_is_an_event_without_gaps(sale: Sales, world: World) -> None:
    dispute = sale("100").dispute()
    rows = Event.objects.filter(subject=dispute.id).order_by("sequence")
    assert [(row.sequence, row.type) for row in rows] == [(1, "dispute.opened")]
    assert rows[0].payload["amount"] == "100.00"

"""A worker that dies between any two steps of a signature: one funding, whatever happens."""

import pytest
from django.db.models.functions import Now

from offerhub.core import jobs
from orders import escrow_services, signing
from orders.models import Escrow, EscrowOperation
from tests.crash.workers import Killed
from tests.signing.scene import Market
from tests.world import ACTOR

JOB = "orders.operation"


@pytest.mark.parametrize("point", ["after_build", "after_hand_out"])
def test_dying_while_it_is_handed_out_hands_out_one_envelope(
    market: Market, worker: Killed, point: str
) -> None:
    order = _asked(market)
    row = market.operation(order)
    assert worker(JOB, row.id, point=point) == 137
    _forget_lease(row)
    market.world.work()
    market.asked(order, "eva")
    assert market.signs(order, "eva", "FUND")["status"] == "CONFIRMED"
    assert EscrowOperation.objects.filter(order=order, kind="FUND").count() == 1
    assert market.held("eva") == "0.0000000"
    market.assert_sound()


@pytest.mark.parametrize(
    "point", ["before_submit", "after_submit", "before_confirm", "after_confirm"]
)
def test_dying_after_the_signature_was_kept_funds_once(
    market: Market, worker: Killed, point: str
) -> None:
    order = _asked(market)
    market.world.work()
    asked = market.asked(order, "eva")
    signed = market.sign(asked["unsignedXdr"], "eva")
    with jobs.held():  # the process ends before it answers its bell
        signing.hand_in(
            marketplace_id=market.world.marketplace.id,
            operation_id=asked["id"],
            signed_xdr=signed,
            actor=ACTOR,
        )
    row = market.operation(order)
    assert worker(JOB, row.id, point=point) == 137
    _forget_lease(row)
    market.world.settle()
    row = market.operation(order)
    assert (row.status, row.hash, row.attempts) == ("CONFIRMED", asked["hash"], 1)
    assert market.held("eva") == "0.0000000"
    market.assert_sound()


def _asked(market: Market) -> str:
    """Eva's funding is asked for, and no worker has looked at it; the order's id."""
    market.party("eva", "100")
    market.world.user("bob")
    order = str(market.order("eva", "bob")["id"])
    with jobs.held():
        escrow_services.request_fund(
            marketplace_id=market.world.marketplace.id,
            escrow_id=Escrow.objects.get(order=order).id,
            actor=ACTOR,
        )
    return order


def _forget_lease(row: EscrowOperation) -> None:
    """The time of whoever died is over."""
    EscrowOperation.objects.filter(pk=row.pk).update(lease_until=None, next_attempt_at=Now())

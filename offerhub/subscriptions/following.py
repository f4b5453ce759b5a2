"""What is due of a cycle: see what became of its order, and ask its contract for what is wanted.

Wanted is the money in the contract until the cycle's end, and from then on the division that was
decided: all of it to the seller at the end, less when the cycle ended early. A dispute, a refund or
a release that somebody else asked for is respected: the order's own state is asked first.
"""

from datetime import datetime

from django.db import transaction

from offerhub.core.errors import OperationInFlight, Refusal
from offerhub.core.money import format_amount
from offerhub.subscriptions import charging
from offerhub.subscriptions.held import Held
from offerhub.subscriptions.models import Cycle
from offerhub.subscriptions.pace import DISPUTED, SOON, look_after, retry_after
from offerhub.subscriptions.states import CycleStatus
from orders import again, escrow_services, services
from orders.models import Order
from orders.states import FINAL_ORDER, OrderStatus

NOTE = "The billing cycle has ended"
# A division stops half-way when one of these fails: the milestone is frozen, and only the same
# call leads on.
FROZEN_BY = ("RESOLVE", "SWEEP")


def follow(held: Held, cycle: Cycle) -> datetime | None:
    """Do what is due; when to look again. None when nothing more will come."""
    if cycle.status == CycleStatus.UNPAID:
        due = cycle.retry_at
        return due if due and held.now < due else charging.charge(held, cycle)
    if cycle.status != CycleStatus.OPEN:
        return None
    if _order_of(cycle).status in FINAL_ORDER:
        _settled(held, cycle)
        return None
    if cycle.is_in_flight:
        cycle.looks += 1
        cycle.save(update_fields=["looks"])
        return held.now + look_after(cycle.looks)
    if _order_of(cycle).status == OrderStatus.DISPUTED:
        return held.now + DISPUTED
    return _bring_on(held, cycle)


def _bring_on(held: Held, cycle: Cycle) -> datetime | None:
    """Its order is open, and no call is on its way."""
    funded = _order_of(cycle).status == OrderStatus.IN_PROGRESS
    if cycle.to_seller is None:
        if held.now >= cycle.ends_at:
            decide(held, cycle, cycle.amount if funded else 0)
        elif funded:
            _rest(cycle)
            return cycle.ends_at
    if cycle.retry_at and held.now < cycle.retry_at:
        return cycle.retry_at
    return _ask(held, cycle)


def decide(held: Held, cycle: Cycle, to_seller: int) -> None:
    """What the seller gets of this cycle, in stroops; said once, and asked for from now on."""
    cycle.to_seller = to_seller
    cycle.tries, cycle.looks, cycle.retry_at, cycle.problem = 0, 0, None, None
    cycle.save()
    shares = {"seller": to_seller, "buyer": cycle.amount - to_seller}
    held.tell(
        "subscription.cycle_ended",
        cycle,
        **{who: format_amount(part) for who, part in shares.items()},
    )


def _rest(cycle: Cycle) -> None:
    """The money is in the contract, and nothing is to be done until the end."""
    if cycle.retry_at is not None:
        cycle.tries, cycle.looks, cycle.retry_at, cycle.problem = 0, 0, None, None
        cycle.save()


def _ask(held: Held, cycle: Cycle) -> datetime | None:
    cycle.tries, cycle.looks = cycle.tries + 1, 0
    cycle.asked_at, cycle.retry_at = held.now, held.now + retry_after(cycle.tries)
    look = held.now + SOON
    if failed := cycle.failed_call:
        cycle.problem = failed["problem"]
    try:
        with transaction.atomic():
            _request(held, cycle)
    except OperationInFlight:
        cycle.tries, cycle.retry_at = cycle.tries - 1, None
    except Refusal as refusal:
        cycle.problem = {"code": refusal.code, "detail": refusal.detail[:500]}
        look = cycle.retry_at
    cycle.save()
    return look


def _request(held: Held, cycle: Cycle) -> None:
    tenant, order_id = held.row.marketplace_id, _order_of(cycle).pk
    failed = cycle.failed_call
    if _order_of(cycle).status in escrow_services.UNFUNDED:
        if cycle.to_seller is None:
            escrow_services.request_prepaid(
                marketplace_id=tenant, order_id=order_id, actor=held.actor, lane=held.lane
            )
        else:
            services.cancel(marketplace_id=tenant, order_id=order_id, reason=NOTE, actor=held.actor)
    elif failed and failed["kind"] in FROZEN_BY and not failed["dispute"]:
        again.request_again(operation_id=failed["id"], actor=held.actor)
    elif cycle.to_seller == cycle.amount:
        escrow_services.request_release(
            marketplace_id=tenant,
            order_id=order_id,
            milestone_ref=None,
            action="release",
            evidence=NOTE,
            actor=held.actor,
            lane=held.lane,
        )
    else:
        assert cycle.to_seller is not None
        escrow_services.request_division(
            marketplace_id=tenant,
            order_id=order_id,
            to_seller=cycle.to_seller,
            reason=NOTE,
            actor=held.actor,
            lane=held.lane,
        )


def _settled(held: Held, cycle: Cycle) -> None:
    cycle.settle()
    cycle.tries, cycle.retry_at, cycle.problem = 0, None, None
    cycle.save()
    held.tell("subscription.cycle_settled", cycle, orderStatus=_order_of(cycle).status)


def _order_of(cycle: Cycle) -> Order:
    assert cycle.order is not None
    return cycle.order

"""Asking for one pledge's release or refund, by the order's own calls and at most once.

One transaction for each pledge: a crash between two leaves the one asked for and the other held.
"""

from offerhub.budget.lanes import Lane
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import OperationInFlight, Refusal
from orders import escrow_services, plans, rows, services
from orders.campaigns.models import Campaign, Pledge
from orders.campaigns.states import CampaignStatus, PledgeState
from orders.models import EscrowOperation, Milestone, Order
from orders.operations import start
from orders.states import FINAL_ORDER, OrderStatus

Kind = EscrowOperation.Kind
_O = OrderStatus
WHY_BACK = {
    CampaignStatus.FAILED: "The campaign did not reach its goal",
    CampaignStatus.CANCELLED: "The campaign was called off",
}


def ask(*, campaign: Campaign, order_id: str, actor: Actor) -> None:
    """Have the pledge settled as the campaign decided. One that is refused is marked so, to be
    found in the list of those that failed; one with a call on its way is left for later."""
    try:
        _ask(campaign=campaign, order_id=order_id, actor=actor)
    except OperationInFlight:
        return
    except Refusal as refusal:
        problem = {"code": refusal.code, "detail": refusal.detail[:500]}
        waiting = (PledgeState.HELD, PledgeState.SETTLING)
        Pledge.objects.filter(pk=order_id, state__in=waiting).update(
            state=PledgeState.SETTLING, problem=problem
        )


@in_transaction
def _ask(*, campaign: Campaign, order_id: str, actor: Actor) -> None:
    order, milestones = _locked(campaign.marketplace_id, order_id)
    held = Pledge.objects.filter(pk=order_id, state=PledgeState.HELD)
    if not held.update(state=PledgeState.SETTLING, problem=None):
        return  # somebody else asked for it
    if order.status in FINAL_ORDER or order.status == _O.DISPUTED:
        return  # it ended by itself, or the dispute will end it: the next step takes note
    if campaign.outcome == CampaignStatus.SUCCEEDED:
        _release(order, milestones, actor)
    else:
        _refund(order, milestones, WHY_BACK[CampaignStatus(campaign.outcome)], actor)


def _locked(marketplace_id: str, order_id: str) -> tuple[Order, list[Milestone]]:
    found = rows.locked_whole(order_id, marketplace_id)
    if found is not None:
        return found
    order = services.lock_order(marketplace_id, order_id)
    return order, list(order.milestones.all())


def _release(order: Order, milestones: list[Milestone], actor: Actor) -> None:
    """Whatever is missing until the creator has the money: a reservation's contract too."""
    steps = plans.to_pay(milestones)
    if order.status == _O.IN_PROGRESS:
        start(order.escrow, steps, actor, milestones[0], lane=Lane.BATCH)
    else:
        escrow_services.bring_in(order, steps, actor, Lane.BATCH)


def _refund(order: Order, milestones: list[Milestone], why: str, actor: Actor) -> None:
    """Money that is in no contract goes back without a call to the chain."""
    if order.status != _O.IN_PROGRESS:
        services.cancel_locked(order, why, actor)
        return
    last = order.operations.order_by("-pk").first()
    if last is not None and last.status == last.Status.FAILED and last.kind in _SECOND_HALF:
        escrow_services.divide_again(order, last, actor, Lane.BATCH)
    else:
        start(order.escrow, plans.to_refund(milestones, None, why), actor, lane=Lane.BATCH)


# The contract is frozen since the first half: only these calls lead on.
_SECOND_HALF = (Kind.RESOLVE, Kind.SWEEP)

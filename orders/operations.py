"""The next call to an order's contract: which operation a plan's first step becomes."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from offerhub.budget.lanes import Lane
from offerhub.core import clock, jobs
from offerhub.core.actor import Actor
from offerhub.core.errors import OperationInFlight
from orders import plans, writing
from orders.models import Escrow, EscrowOperation, Milestone

Kind = EscrowOperation.Kind
Steps = list[plans.Step]


def start(
    escrow: Escrow,
    steps: Steps,
    actor: Actor,
    milestone: Milestone | None = None,
    *,
    is_new: bool = False,
    lane: Lane = Lane.ORDER,
) -> None:
    """Write the operation for the first step, keep the others behind it, and ring for it.

    `milestone` is the step's own, where the caller has it at hand. The order's row is locked. An
    escrow that `is_new` is written too. `lane` says who goes first when the provider's limit is
    short, for all of the plan's steps.
    A step that names its own asker is theirs. Raises OperationInFlight while another call to the
    contract may still apply.
    """
    operation = planned(escrow, plans.in_lane(steps, lane), actor)
    begin(operation, milestone)
    try:
        writing.insert(operation, escrow if is_new else None)
    except IntegrityError as error:
        # The database allows one live operation per order.
        if "order_one_live_operation" not in str(error):
            raise
        raise OperationInFlight(
            "The order shows it as `operation`; try again when it has ended", retry_after=1
        ) from None


def planned(escrow: Escrow, steps: Steps, actor: Actor) -> EscrowOperation:
    """The operation of the first step, not written yet."""
    step, then = steps[0], steps[1:]
    if "actor" in step:
        actor = Actor.parse(step["actor"], step.get("request_id", ""))
    kind = Kind(step["kind"])
    wallet, theirs = _signer(escrow, kind, step)
    window = timedelta(hours=settings.SIGNATURE_HOURS)
    return EscrowOperation(
        marketplace_id=escrow.marketplace_id,
        order_id=escrow.order_id,
        milestone_id=step.get("milestone"),
        kind=kind.value,
        source_wallet_id=wallet,
        sign_by=clock.now() + window if theirs else None,
        args=_arguments(escrow, step),
        then=then,
        actor=str(actor),
        request_id=actor.request_id,
    )


def begin(operation: EscrowOperation, milestone: Milestone | None = None) -> None:
    """A milestone whose payment begins says so; and ring for the operation."""
    if operation.kind == Kind.RELEASE:
        if milestone is None or milestone.pk != operation.milestone_id:
            milestone = Milestone.objects.get(pk=operation.milestone_id)
        milestone.start_release()
        milestone.save(update_fields=["status"])
    jobs.ring("orders.operation", operation.id)


def _arguments(escrow: Escrow, step: plans.Step) -> dict[str, Any]:
    """What building the call needs, so that the runner reads the operation's row alone."""
    lane = {"lane": step["lane"]} if "lane" in step else {}
    return {
        **step.get("args", {}),
        **lane,
        "contract": escrow.contract_id,
        "kind": escrow.kind,
        "index": step.get("index", 0),
        "amount": escrow.amount,
        "buyer": escrow.buyer_address,
        "seller": escrow.seller_address,
    }


def _signer(escrow: Escrow, kind: Kind, step: plans.Step) -> tuple[str, bool]:
    """Whose wallet signs this call, as the contract wants it, and whether its key is the party's
    own. A dispute is its opener's.

    What any of several may sign is not asked of a party that holds its own key: anybody may deploy
    (it gives no role), and either party may freeze what is refunded or divided by agreement.
    """
    order = escrow.order
    if kind in (Kind.RESOLVE, Kind.SWEEP) or (kind == Kind.DEPLOY and order.buyer_external):
        return escrow.resolver_wallet_id, False
    by = step.get("args", {}).get("by")
    if kind == Kind.DISPUTE and by is None and order.buyer_external and not order.seller_external:
        by = "seller"
    if kind == Kind.COMPLETE or by == "seller":
        return escrow.seller_wallet_id, order.seller_external
    return escrow.buyer_wallet_id, order.buyer_external

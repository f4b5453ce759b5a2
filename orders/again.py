"""Asking once more for a call to a contract that failed: as it was asked for the first time."""

from typing import Any

from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import WrongState
from orders import escrow_services
from orders.models import EscrowOperation

Kind = EscrowOperation.Kind


@in_transaction
def request_again(*, operation_id: str, actor: Actor) -> EscrowOperation:
    """A new operation in place of one that failed for good; the old one stays as it is.

    The order's own rules are asked again, so that nothing is done twice. Raises WrongState when it
    did not fail, when something followed it, or when a dispute decides what follows.
    """
    failed = EscrowOperation.objects.select_related("order__escrow", "milestone").get(
        pk=operation_id
    )
    refuse_unless_last(failed)
    order, kind = failed.order, Kind(failed.kind)
    place: Any = {"marketplace_id": order.marketplace_id, "actor": actor}
    ref = failed.milestone.ref if failed.milestone else None
    if kind == Kind.DEPLOY:
        escrow_services.request_deploy(order_id=order.pk, **place)
    elif kind == Kind.FUND:
        escrow_services.request_fund(escrow_id=order.escrow.pk, **place)
    elif kind in (Kind.RESOLVE, Kind.SWEEP):
        escrow_services.request_division_again(operation=failed, actor=actor)
    elif kind == Kind.DISPUTE and failed.args.get("divided"):
        shares = next(step for step in failed.then if step["kind"] == Kind.RESOLVE)["args"]
        escrow_services.request_division(
            order_id=order.pk,
            milestone_ref=ref,
            to_seller=shares["to_seller"],
            reason=str(failed.args.get("reason", "")),
            **place,
        )
    elif kind == Kind.DISPUTE:
        reason = str(failed.args.get("reason", ""))
        escrow_services.request_refund(order_id=order.pk, milestone_ref=ref, reason=reason, **place)
    else:
        escrow_services.request_release(
            order_id=order.pk,
            milestone_ref=ref,
            action=kind.lower(),
            evidence=str(failed.args.get("evidence", "")),
            **place,
        )
    newest: EscrowOperation = order.operations.order_by("-id")[0]
    return newest


def refuse_unless_last(operation: EscrowOperation) -> None:
    """Raise WrongState, with what to do instead, when it can not be asked for again."""
    if operation.status != operation.Status.FAILED:
        raise WrongState(f"The operation is {operation.status}, it did not fail")
    if operation.args.get("dispute"):
        raise WrongState("A dispute asked for this: ask again on the page of the dispute")
    if operation.order.operations.filter(pk__gt=operation.pk).exists():
        raise WrongState("Another operation followed this one: look at the order")

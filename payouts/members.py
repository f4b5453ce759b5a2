"""A withdrawal of a batch and the transaction that has it, together: locking both, and letting go.

The payment is locked first, then the item with its withdrawal, as everywhere.
"""

from dataclasses import dataclass

from django.db.models.functions import Now

from offerhub.chain.ending import finish
from offerhub.chain.submission import Status
from offerhub.core import jobs
from offerhub.core.errors import OperationInFlight
from payouts.models import BatchItem, BatchPayment, Withdrawal
from payouts.states import ItemState

FOLLOW, PACK = "payouts.batch", "payouts.pack"


@dataclass(frozen=True)
class Member:
    """A withdrawal of a batch under its lock, and the live payment that has it, under its own."""

    withdrawal: Withdrawal
    payment: BatchPayment | None


def lock(withdrawal_id: str, marketplace_id: str) -> Member | None:
    """None for a withdrawal that is of no batch, or not there.

    Raises OperationInFlight when it went into a payment in this very moment.
    """
    of = {"withdrawal_id": withdrawal_id, "marketplace_id": marketplace_id}
    seen = BatchItem.objects.filter(**of).first()
    if seen is None:
        return None
    payment = None
    if seen.state == ItemState.CARRIED:
        payment = BatchPayment.objects.select_for_update().get(pk=seen.payment_id)
    item = BatchItem.objects.select_for_update().get(pk=seen.pk)
    if (item.state, item.payment_id) != (seen.state, seen.payment_id):
        raise OperationInFlight("Its payment is being made right now; ask again in a moment")
    rows = Withdrawal.objects.select_related("user").select_for_update(of=("self",))
    return Member(rows.get(pk=withdrawal_id), payment)


def ready(withdrawal: Withdrawal) -> None:
    """A person agreed: it may be paid."""
    BatchItem.objects.filter(withdrawal=withdrawal, state=ItemState.HELD).update(
        state=ItemState.READY
    )
    jobs.ring(PACK, withdrawal.marketplace_id)


def end(withdrawal: Withdrawal) -> None:
    """Its item has the same end. For withdrawals of no batch nothing is done."""
    if withdrawal.batch_id:
        BatchItem.objects.filter(withdrawal=withdrawal).update(state=ItemState.ENDED)
        jobs.ring(FOLLOW, withdrawal.batch_id)


def dissolve(payment: BatchPayment, code: str, detail: str) -> None:
    """End a payment, locked, of which no envelope can apply: all that it has go into other ones.

    A runner that is just signing it loses its lease, and what it signed is not kept or sent.
    """
    if payment.hash:
        raise RuntimeError(f"{payment.id} has an envelope that may apply")
    payment.problem = {"code": code, "detail": detail[:500]}
    finish(payment, Status.FAILED, None)
    payment.items.filter(state=ItemState.CARRIED).update(state=ItemState.READY, due_at=Now())
    jobs.ring(PACK, payment.marketplace_id)

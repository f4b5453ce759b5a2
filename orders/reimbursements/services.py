"""Paying back what a contract took of a refund, exactly once for each refund.

`request` runs in the confirmation of the refund, so no refund is without it; what the chain answers
comes to `confirm`, `fail` or `postpone`. The books change in the confirmation alone.
"""

from typing import Any

import structlog

from ledger import movements
from offerhub.chain.ending import finish
from offerhub.chain.submission import Status
from offerhub.chain.types import ChainFact
from offerhub.core import jobs
from offerhub.core.actor import Actor, system
from offerhub.core.db import in_transaction
from offerhub.core.errors import WrongState
from offerhub.core.money import format_amount
from offerhub.marketplaces.models import RefundFees
from offerhub.users.models import Wallet
from orders import writing
from orders.models import Milestone, Order
from orders.reimbursements.models import Reimbursement

log = structlog.get_logger(__name__)

ASSET = "USDC"
JOB = "orders.reimbursement"
ACTOR = system("refunds")
PAUSE = 60.0  # seconds until a platform wallet without the money is looked at again


class PaidAnotherAmount(RuntimeError):
    """The ledger shows another payment under this hash than the one that was asked for."""


def request(
    order: Order, milestone: Milestone, to_buyer: int, *, request_id: str
) -> Reimbursement | None:
    """Ask for what the buyer lost of `to_buyer` stroops; None when they lost nothing, or bear it.

    Runs in the transaction of the settlement, whose payments stand in `milestone`; the caller
    holds the order's lock and writes its event after it.
    """
    lost = to_buyer - milestone.paid_buyer
    if order.refund_fees_borne_by != RefundFees.MARKETPLACE or lost <= 0:
        return None
    fees = milestone.fee_platform + milestone.fee_protocol
    # Of a division both parties bore a part of each fee: the buyer's part, in whole stroops.
    platform = min(lost * milestone.fee_platform // fees, lost) if fees else 0
    row = Reimbursement.objects.create(
        marketplace_id=order.marketplace_id,
        source_wallet=Wallet.objects.get(marketplace=order.marketplace_id, kind="PLATFORM"),
        kind=Reimbursement.KIND,
        request_id=request_id,
        order=order,
        milestone=milestone,
        destination=order.escrow.buyer_address,
        amount=lost,
        platform_fee=platform,
        protocol_fee=lost - platform,
    )
    jobs.ring(JOB, row.pk)
    return row


@in_transaction
def request_again(*, operation_id: str, actor: Actor) -> Reimbursement:
    """A new payment in place of one that failed for good. Raises WrongState when it did not, or
    when another one followed it."""
    failed = _lock(operation_id)
    if failed.status != Status.FAILED:
        raise WrongState(f"The reimbursement is {failed.status}, it did not fail")
    if failed.milestone.reimbursements.exclude(status=Status.FAILED).exists():
        raise WrongState("Another reimbursement of this refund followed it")
    names = ("marketplace_id", "source_wallet_id", "kind", "order_id", "milestone_id")
    amounts = ("destination", "amount", "platform_fee", "protocol_fee")
    same = {name: getattr(failed, name) for name in (*names, *amounts)}
    row = Reimbursement.objects.create(request_id=actor.request_id, **same)
    _record(row, failed.order, "order.reimbursement_requested", actor)
    jobs.ring(JOB, row.pk)
    return row


@in_transaction
def confirm(operation_id: str, fact: ChainFact) -> None:
    """The payment is in a ledger: the marketplace bore the fees, the buyer has their money."""
    row = _lock(operation_id)
    if not row.is_live:
        return
    order = row.order
    movements.refund_fees_reimbursed(
        marketplace_id=row.marketplace_id,
        order_id=order.pk,
        milestone_id=row.milestone_id,
        payout=movements.Payout(order.buyer_id, row.destination, _paid(row, fact), _held(order)),
        platform_address=row.source_wallet.address,
        platform_fee=row.platform_fee,
        protocol_fee=row.protocol_fee,
        asset=ASSET,
        fact=fact,
        operation_id=row.pk,
        fee_address=fact.fee_account,
        actor=ACTOR,
    )
    finish(row, Status.CONFIRMED, fact)
    _record(row, order, "order.reimbursed", ACTOR, hash=fact.hash, ledger=fact.ledger)


def _held(order: Order) -> bool:
    return not order.buyer_external


def _paid(row: Reimbursement, fact: ChainFact) -> int:
    """What the chain paid. Anything but what was asked for is a defect that is not booked."""
    way = (row.source_wallet.address, row.destination, ASSET)
    paid = sum(t.amount for t in fact.transfers if (t.sender, t.recipient, t.asset_code) == way)
    if paid != row.amount:
        log.error("reimbursement_paid_another_amount", operation=row.pk, paid=paid)
        raise PaidAnotherAmount(f"{row.pk}: {paid}")
    return paid


@in_transaction
def fail(operation_id: str, code: str, detail: str, fact: ChainFact | None) -> None:
    """Proven not to have happened, and the buyer's wallet can not take it: a person decides."""
    row = _lock(operation_id)
    if not row.is_live:
        return
    _book_fee(row, fact)
    row.problem = {"code": code, "detail": detail[:500]}
    finish(row, Status.FAILED, fact)
    _record(row, row.order, "order.reimbursement_failed", ACTOR, code=code)


@in_transaction
def postpone(row: Reimbursement, code: str, detail: str, fact: ChainFact | None) -> None:
    """An envelope ended for a reason on our side: another one follows when that is mended.

    `row` is the runner's own, with its lease; when that was lost, whoever has it sees the same.
    """
    kept = _lock(row.pk)
    if (kept.lease, kept.hash) != (row.lease, row.hash):
        return
    _book_fee(kept, fact)
    row.begin_anew(code, detail, fact, PAUSE)


def _book_fee(row: Reimbursement, fact: ChainFact | None) -> None:
    if fact is None:
        return
    movements.network_fee(
        marketplace_id=row.marketplace_id,
        operation_id=row.pk,
        fee_address=fact.fee_account,
        fact=fact,
        actor=ACTOR,
    )


def _lock(operation_id: str) -> Reimbursement:
    """The payment and its order, both under their row locks: the order first, as everywhere."""
    rows = Reimbursement.objects.filter(pk=operation_id)
    order = Order.objects.select_for_update().get(pk__in=rows.values("order"))
    row = rows.select_related("milestone", "source_wallet").select_for_update(of=("self",)).get()
    row.order = order
    return row


def _record(row: Reimbursement, order: Order, event: str, actor: Actor, **more: Any) -> None:
    payload = {**told(row), **more}
    writing.save(order, event, actor=actor, payload=payload)


def told(row: Reimbursement) -> dict[str, Any]:
    """What events tell of it."""
    return {
        "operationId": row.pk,
        "milestoneId": row.milestone.ref,
        "amount": format_amount(row.amount),
    }

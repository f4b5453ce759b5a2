"""How batches and their items are shown by the API."""

from typing import Any

from offerhub.core.money import format_amount
from payouts.batches import summary
from payouts.bodies import approval_body
from payouts.models import Batch, BatchItem


def batch_body(batch: Batch) -> dict[str, Any]:
    """A batch with its progress. One query."""
    progress = summary(batch)
    return {
        "id": batch.id,
        "externalRef": batch.external_ref,
        "status": batch.status,
        "itemsTotal": batch.size,
        "counts": progress["counts"],
        "amount": progress["amount"],
        "paid": progress["paid"],
        "approval": approval_body(batch.proposal) if batch.proposal else None,
        "createdAt": batch.created_at,
        "finishedAt": batch.finished_at,
    }


def batch_with_items(batch: Batch) -> dict[str, Any]:
    """The same with every item in the order in which they were asked for. Two queries."""
    return {**batch_body(batch), "items": [item_body(item) for item in items_of(batch)]}


def items_of(batch: Batch) -> list[BatchItem]:
    """With what is shown of each."""
    return list(batch.items.select_related("withdrawal", "payment").order_by("position"))


def item_body(item: BatchItem) -> dict[str, Any]:
    """What was asked for, and what became of it."""
    return {
        "index": item.position,
        "state": item.state,
        "userId": item.user_ref,
        "amount": format_amount(item.amount),
        "destination": item.destination or (item.withdrawal and item.withdrawal.destination),
        "destinationId": item.destination_id or None,
        "memo": item.memo or None,
        "memoType": item.memo_type or None,
        "externalRef": item.external_ref or None,
        "withdrawal": _withdrawal(item),
        "problem": item.problem,
    }


def _withdrawal(item: BatchItem) -> dict[str, Any] | None:
    withdrawal, payment = item.withdrawal, item.payment
    if withdrawal is None:
        return None
    on_its_way = payment.hash if payment is not None and payment.is_live else ""
    return {
        "id": withdrawal.id,
        "status": withdrawal.status,
        "hash": on_its_way or withdrawal.hash or None,
        "fee": format_amount(withdrawal.fee),
        "problem": withdrawal.problem,
    }

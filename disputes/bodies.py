"""How disputes are shown by the API. Amounts as decimal text."""

from collections.abc import Sequence
from typing import Any

from disputes.models import Dispute, DisputedMilestone, Message, Statement
from disputes.states import DisputeStatus
from offerhub.api.operations import operation_body
from offerhub.approvals.models import Proposal
from offerhub.core.money import format_amount
from orders.bodies import settlement_body
from orders.models import EscrowOperation
from orders.states import SETTLED_MILESTONE

Body = dict[str, Any]


def dispute_bodies(marketplace_id: str, ids: Sequence[str]) -> list[Body]:
    """These disputes of the marketplace, newest first: four queries for any number of them."""
    rows = list(Dispute.objects.of(marketplace_id).for_display().filter(pk__in=ids).order_by("-id"))
    proposals = Proposal.objects.in_bulk([row.proposal_id for row in rows if row.proposal_id])
    operations = _operations([row.order_id for row in rows])
    return [
        _dispute(row, proposals.get(row.proposal_id), operations.get(row.order_id)) for row in rows
    ]


def _operations(orders: Sequence[str]) -> dict[str, EscrowOperation]:
    """Each order's newest call to its contract."""
    rows = EscrowOperation.objects.select_related("source_wallet")
    rows = rows.filter(order__in=orders).order_by("order", "-id")
    return {row.order_id: row for row in rows.distinct("order")}


def _dispute(row: Dispute, proposal: Proposal | None, operation: EscrowOperation | None) -> Body:
    order = row.order
    shown = operation is not None and operation.status != EscrowOperation.Status.CONFIRMED
    return {
        "id": row.id,
        "orderId": order.id,
        "orderStatus": order.status,
        "status": row.status,
        "openedBy": row.opened_by.lower(),
        "buyerId": order.buyer_id,
        "buyerExternalId": order.buyer.external_id,
        "sellerId": order.seller_id,
        "sellerExternalId": order.seller.external_id,
        "reason": row.reason,
        "description": row.description,
        "amount": format_amount(row.amount),
        "milestones": [_milestone(one) for one in row.milestones.all()],
        "frozen": is_frozen(row),
        "waitingFor": row.waiting_for.lower() or None,
        "answerUntil": row.party_due_at,
        "firstAnswerDueAt": row.first_answer_due_at,
        "firstAnsweredAt": row.first_answered_at,
        "decisionDueAt": row.decision_due_at,
        "decision": _decision(row),
        "proposal": _proposal(proposal),
        "operation": operation_body(operation) if operation is not None and shown else None,
        "problem": row.problem,
        "createdAt": row.created_at,
        "closedAt": row.closed_at,
    }


def is_frozen(row: Dispute) -> bool:
    """Whether the chain has confirmed the freeze of everything in it."""
    return all(one.milestone.status not in NOT_FROZEN for one in row.milestones.all())


NOT_FROZEN = ("OPEN", "COMPLETED", "APPROVED", "RELEASING")


def _milestone(row: DisputedMilestone) -> Body:
    milestone = row.milestone
    settled = milestone.status in SETTLED_MILESTONE
    return {
        "id": milestone.ref,
        "description": milestone.description,
        "amount": format_amount(milestone.amount),
        "status": milestone.status,
        "split": _split(row.to_seller, row.to_buyer),
        "settlement": settlement_body(milestone) if settled else None,
    }


def _split(seller: int, buyer: int) -> Body | None:
    if not seller + buyer:
        return None
    return {"seller": format_amount(seller), "buyer": format_amount(buyer)}


def _decision(row: Dispute) -> Body | None:
    """What was decided; a proposal that nobody agreed to yet is none."""
    if not row.decision or row.status == DisputeStatus.PROPOSED:
        return None
    rows = row.milestones.all()
    return {
        "decision": row.decision,
        "reasonCode": row.decision_reason_id,
        "note": row.decision_text,
        "split": _split(sum(m.to_seller for m in rows), sum(m.to_buyer for m in rows)),
    }


def _proposal(proposal: Proposal | None) -> Body | None:
    if proposal is None:
        return None
    return {
        "id": proposal.id,
        "status": proposal.status,
        "decision": proposal.payload["decision"],
        "amount": format_amount(proposal.amount),
        "needsApproval": bool(proposal.required),
        "why": proposal.why_required,
        "expiresAt": proposal.expires_at,
    }


def statement_body(row: Statement) -> Body:
    """One statement."""
    return {
        "id": row.id,
        "by": row.party.lower(),
        "status": row.status,
        "text": row.text,
        "createdAt": row.created_at,
        "submittedAt": row.submitted_at,
    }


def message_body(row: Message) -> Body:
    """One message."""
    return {
        "id": row.id,
        "by": row.sender.lower(),
        "text": row.text,
        "createdAt": row.created_at,
    }

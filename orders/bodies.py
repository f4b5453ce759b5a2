"""How orders, milestones and escrows are shown by the API. Amounts as decimal text."""

from typing import Any

from offerhub.api.operations import operation_body
from offerhub.core.money import format_amount
from orders.models import Escrow, EscrowOperation, Milestone, Order
from orders.states import SETTLED_MILESTONE


def newest_operation(order: Order) -> EscrowOperation | None:
    """The operation that the order's answer shows: a live one, or the newest if it failed."""
    newest: list[EscrowOperation] = order.newest_operation  # type: ignore[attr-defined]
    if newest and newest[0].status != EscrowOperation.Status.CONFIRMED:
        return newest[0]
    return None


def order_body(order: Order) -> dict[str, Any]:
    """An order that was read with `for_display()`."""
    operation = newest_operation(order)
    escrow: Escrow | None = getattr(order, "escrow", None)
    return {
        "id": order.id,
        "externalRef": order.external_ref,
        "status": order.status,
        "buyerId": order.buyer_id,
        "buyerExternalId": order.buyer.external_id,
        "sellerId": order.seller_id,
        "sellerExternalId": order.seller.external_id,
        "amount": format_amount(order.amount),
        "title": order.title,
        "description": order.description,
        "milestones": [milestone_body(m) for m in order.milestones.all()],
        "escrowId": escrow.id if escrow else None,
        "operation": operation_body(operation) if operation else None,
        "metadata": order.metadata,
        "createdAt": order.created_at,
        "updatedAt": order.updated_at,
    }


def milestone_body(milestone: Milestone) -> dict[str, Any]:
    """One milestone; `settlement` says what the contract paid, once it did."""
    return {
        "id": milestone.ref,
        "description": milestone.description,
        "amount": format_amount(milestone.amount),
        "status": milestone.status,
        "evidence": milestone.evidence,
        "settlement": _settlement(milestone) if milestone.status in SETTLED_MILESTONE else None,
    }


def _settlement(milestone: Milestone) -> dict[str, Any]:
    fees = milestone.fee_platform + milestone.fee_protocol
    net = milestone.paid_seller + milestone.paid_buyer
    return {
        "gross": format_amount(net + fees),
        "fees": {
            "platform": format_amount(milestone.fee_platform),
            "protocol": format_amount(milestone.fee_protocol),
        },
        "net": format_amount(net),
        "seller": format_amount(milestone.paid_seller),
        "buyer": format_amount(milestone.paid_buyer),
    }


def escrow_body(escrow: Escrow, operation: EscrowOperation | None) -> dict[str, Any]:
    """One escrow, with its order's live or failed operation."""
    return {
        "id": escrow.id,
        "orderId": escrow.order_id,
        "status": escrow.status,
        "contractId": escrow.contract_id or None,
        "kind": escrow.kind,
        "amount": format_amount(escrow.amount),
        "funded": format_amount(escrow.funded),
        "released": format_amount(escrow.released),
        "refunded": format_amount(escrow.refunded),
        "balance": format_amount(escrow.balance),
        "operation": operation_body(operation) if operation else None,
        "createdAt": escrow.created_at,
    }

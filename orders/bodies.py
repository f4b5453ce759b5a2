"""How orders, milestones and escrows are shown by the API: one statement for any number of them.

These are the most frequent reads of the product, so the rows come as they are shown and no model
is made of them. Amounts as decimal text.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from offerhub.api.operations import operation_body
from offerhub.chain import trustless_work
from offerhub.chain.submission import Status
from offerhub.core.money import format_amount
from offerhub.users.models import Wallet
from orders.models import EscrowOperation, Milestone
from orders.reimbursements.models import Reimbursement
from orders.settlement import Paid, expected_release
from orders.states import SETTLED_MILESTONE

_OPERATION = """json_build_array({alias}.id, {alias}.kind, {alias}.status, {alias}.hash,
        {alias}.ledger, {alias}.attempts, {alias}.next_attempt_at, {alias}.problem,
        {alias}.created_at, {alias}.finished_at)"""
_NEWEST_OPERATION = f"""(
    SELECT json_build_array({_OPERATION.format(alias="op")},
        CASE WHEN op.sign_by IS NOT NULL AND op.status IN ('PENDING', 'AWAITING_SIGNATURE') THEN (
            SELECT json_build_array(op.xdr, op.valid_until, op.sign_by, op.withdrawn_at, w.address,
                                    w.user_id)
            FROM users_wallet w WHERE w.id = op.source_wallet_id) END)
    FROM orders_escrowoperation op WHERE op.order_id = {{order}} ORDER BY op.id DESC LIMIT 1)"""  # noqa: S608 (no value of anybody's is in the text)

_ORDERS = f"""
    SELECT o.id, o.external_ref, o.status, o.buyer_id, b.external_id, o.seller_id, s.external_id,
           o.amount, o.title, o.description, o.shipment, o.metadata, o.created_at,
           o.updated_at, o.campaign_id, o.platform_fee_percent, o.refund_fees_borne_by, e.id,
           (SELECT json_agg(json_build_array(m.ref, m.description, m.amount, m.status, m.evidence,
                w.after, w.starts, CASE w.state WHEN 'RUNNING' THEN w.ends_at END,
                m.paid_seller, m.paid_buyer, m.fee_platform, m.fee_protocol) ORDER BY m.position)
            FROM orders_milestone m LEFT JOIN orders_releasewindow w ON w.milestone_id = m.id
            WHERE m.order_id = o.id),
           (SELECT json_agg(json_build_array(m.ref, r.amount, r.platform_fee, r.protocol_fee,
                {_OPERATION.format(alias="r")}) ORDER BY r.id)
            FROM orders_reimbursement r JOIN orders_milestone m ON m.id = r.milestone_id
            WHERE r.order_id = o.id),
           {_NEWEST_OPERATION.format(order="o.id")}
    FROM orders_order o
    JOIN users_user b ON b.id = o.buyer_id
    JOIN users_user s ON s.id = o.seller_id
    LEFT JOIN orders_escrow e ON e.order_id = o.id
    WHERE o.marketplace_id = %s AND o.id = ANY(%s)
    ORDER BY o.id DESC"""  # noqa: S608 (no value of anybody's is in the text)

_ESCROW = f"""
    SELECT e.id, e.order_id, e.status, e.contract_id, e.kind, e.amount, e.funded, e.released,
           e.refunded, e.created_at,
           (SELECT json_build_array(sum(paid_seller), sum(paid_buyer), sum(fee_platform),
                sum(fee_protocol))
            FROM orders_milestone m
            WHERE m.order_id = e.order_id AND m.status IN ('RELEASED', 'REFUNDED')
            HAVING count(*) > 0),
           {_NEWEST_OPERATION.format(order="e.order_id")}
    FROM orders_escrow e WHERE e.marketplace_id = %s AND e.id = %s"""  # noqa: S608

_OPERATION_FIELDS = (
    "id",
    "kind",
    "status",
    "hash",
    "ledger",
    "attempts",
    "next_attempt_at",
    "problem",
    "created_at",
    "finished_at",
)
Body = dict[str, Any]


def order_bodies(marketplace_id: str, ids: Sequence[str]) -> list[Body]:
    """These orders of the marketplace, newest first, with milestones and operation."""
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS, [marketplace_id, list(ids)])
        return [_order(row) for row in cursor.fetchall()]


def escrow_body(marketplace_id: str, escrow_id: str) -> Body | None:
    """One escrow of the marketplace, with its order's operation."""
    with connection.cursor() as cursor:
        cursor.execute(_ESCROW, [marketplace_id, escrow_id])
        row = cursor.fetchone()
    return _escrow(row) if row else None


def is_pending(body: Body) -> bool:
    """Whether the operation that a body shows is still on its way."""
    operation = body["operation"]
    return operation is not None and operation["nextStep"] is not None


def awaits_signature(body: Body) -> bool:
    """Whether the operation that a body shows waits for a party that holds its own key."""
    operation = body["operation"]
    return operation is not None and operation["status"] == Status.AWAITING_SIGNATURE


def _order(row: Sequence[Any]) -> Body:
    identifier, external_ref, status, buyer, buyer_name, seller, seller_name, *rest = row
    amount, title, description, shipment, metadata, created_at, updated_at, *inner = rest
    campaign, percent, borne_by, escrow, milestones, reimbursements, operation = inner
    fees = Fees(percent, trustless_work.protocol_fee_bps())
    return {
        "id": identifier,
        "externalRef": external_ref,
        "status": status,
        "buyerId": buyer,
        "buyerExternalId": buyer_name,
        "sellerId": seller,
        "sellerExternalId": seller_name,
        "amount": format_amount(amount),
        "title": title,
        "description": description,
        "milestones": [_milestone(fees, *milestone) for milestone in milestones],
        "fees": {
            "platformPercent": percent,
            "protocolBps": fees.protocol_bps,
            "refundFeesBorneBy": borne_by,
            "expected": fees.of(*(m[_AMOUNT] for m in milestones if not _is_settled(m))),
        },
        "settlement": _together([m[_PAID:] for m in milestones if _is_settled(m)]),
        "reimbursements": [_reimbursement(*row) for row in reimbursements or []],
        "escrowId": escrow,
        "campaignId": campaign,
        "operation": _operation(operation),
        "shipment": json.loads(shipment) if shipment else None,
        "metadata": json.loads(metadata),
        "createdAt": created_at,
        "updatedAt": updated_at,
    }


# Places in the row of a milestone.
_AMOUNT, _STATUS, _PAID = 2, 3, 8


def _is_settled(milestone: Sequence[Any]) -> bool:
    return milestone[_STATUS] in SETTLED_MILESTONE


@dataclass(frozen=True)
class Fees:
    """What contracts take of what they pay: in percent, and in hundredths of one."""

    percent: int
    protocol_bps: int

    def of(self, *amounts: int) -> Body:
        """What is expected when milestones of these amounts are released."""
        whole = Paid(0, 0, 0, 0)
        for amount in amounts:
            whole += expected_release(amount, self.percent, self.protocol_bps)
        return _gross_fees_net(whole.seller, 0, whole.platform, whole.protocol)


def _together(paid: Sequence[Sequence[int]]) -> Body | None:
    """What was paid for several milestones; None when none is settled."""
    return _settlement(*map(sum, zip(*paid, strict=True))) if paid else None


def _reimbursement(ref: str, amount: int, platform: int, protocol: int, operation: Any) -> Body:
    fees = {"platform": format_amount(platform), "protocol": format_amount(protocol)}
    row = Reimbursement(**dict(zip(_OPERATION_FIELDS, operation, strict=True)))
    return {
        "milestoneId": ref,
        "amount": format_amount(amount),
        "fees": fees,
        "operation": operation_body(row),
    }


def _milestone(
    fees: Fees,
    ref: str,
    description: str,
    amount: int,
    status: str,
    evidence: str,
    after: str | None,
    starts: str | None,
    release_at: str | None,
    *paid: int,
) -> Body:
    """One milestone; `settlement` says what the contract paid, once it did, and `releaseAt` when
    it is released by itself."""
    return {
        "id": ref,
        "description": description,
        "amount": format_amount(amount),
        "status": status,
        "evidence": evidence,
        "expected": None if status in SETTLED_MILESTONE else fees.of(amount),
        "settlement": _settlement(*paid) if status in SETTLED_MILESTONE else None,
        "releasePolicy": {"after": after, "from": starts} if after else None,
        "releaseAt": _instant(release_at),
    }


def settlement_body(milestone: Milestone) -> Body:
    """What the contract paid for a milestone that is settled."""
    m = milestone
    return _settlement(m.paid_seller, m.paid_buyer, m.fee_platform, m.fee_protocol)


def _settlement(seller: int, buyer: int, platform: int, protocol: int) -> Body:
    return {
        **_gross_fees_net(seller, buyer, platform, protocol),
        "seller": format_amount(seller),
        "buyer": format_amount(buyer),
    }


def _gross_fees_net(seller: int, buyer: int, platform: int, protocol: int) -> Body:
    return {
        "gross": format_amount(seller + buyer + platform + protocol),
        "fees": {"platform": format_amount(platform), "protocol": format_amount(protocol)},
        "net": format_amount(seller + buyer),
    }


def _escrow(row: Sequence[Any]) -> Body:
    identifier, order, status, contract, kind, *amounts, created_at, paid, operation = row
    amount, funded, released, refunded = amounts
    return {
        "id": identifier,
        "orderId": order,
        "status": status,
        "contractId": contract or None,
        "kind": kind,
        "amount": format_amount(amount),
        "funded": format_amount(funded),
        "released": format_amount(released),
        "refunded": format_amount(refunded),
        "balance": format_amount(funded - released - refunded),
        "settlement": _settlement(*paid) if paid else None,
        "operation": _operation(operation),
        "createdAt": created_at,
    }


def _operation(values: Sequence[Any] | None) -> Body | None:
    """The newest operation while it is live, or when it failed; a confirmed one is history."""
    if values is None or values[0][2] == EscrowOperation.Status.CONFIRMED:
        return None
    shown, asked = values
    row = EscrowOperation(**dict(zip(_OPERATION_FIELDS, shown, strict=True)))
    if asked is not None:
        row.xdr, valid_until, sign_by, withdrawn_at, address, user = asked
        row.valid_until, row.sign_by = _instant(valid_until), _instant(sign_by)
        row.withdrawn_at = _instant(withdrawn_at)
        row.source_wallet = Wallet(address=address, user_id=user)
    return operation_body(row)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None

"""Writing what a step changed, its event included, as one statement (decision 10).

A sale takes some forty changes. Written one by one through the ORM, most of the time of a step
would go into sending them; here each step says what it changed and all of it goes at once.
"""

import functools
from collections.abc import Sequence
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from offerhub.chain.ending import finished, finishing
from offerhub.chain.submission import Status
from offerhub.chain.types import ChainFact
from offerhub.core.actor import Actor
from offerhub.events import services as events
from orders.models import Escrow, EscrowOperation, Milestone, Order
from orders.states import MilestoneStatus

Changed = Sequence[Milestone | Escrow]

_ORDER = """
    UPDATE orders_order SET status = %(order_status)s, version = %(event_sequence)s,
        milestones_left = %(order_left)s, milestones_released = %(order_released)s,
        updated_at = offerhub_now()
    WHERE id = %(order_id)s"""
_ESCROW = """
    UPDATE orders_escrow SET status = %(escrow_status)s, contract_id = %(escrow_contract)s,
        funded = %(escrow_funded)s, released = %(escrow_released)s,
        refunded = %(escrow_refunded)s
    WHERE id = %(escrow_id)s"""
_MILESTONE = """
    UPDATE orders_milestone SET status = %(milestone_status)s, evidence = %(milestone_evidence)s,
        paid_seller = %(milestone_seller)s, paid_buyer = %(milestone_buyer)s,
        fee_platform = %(milestone_platform)s, fee_protocol = %(milestone_protocol)s
    WHERE id = %(milestone_id)s"""
_OPERATION = """
    INSERT INTO orders_escrowoperation
        (id, marketplace_id, order_id, milestone_id, kind, status, source_wallet_id, args, "then",
         actor, request_id, sign_by, xdr, hash, envelope_meta, attempts, looks, history, lease)
    SELECT %(new_id)s, %(new_marketplace)s, %(new_order)s, %(new_milestone)s, %(new_kind)s,
        %(new_status)s, %(new_wallet)s, %(new_args)s::jsonb, %(new_then)s::jsonb, %(new_actor)s,
        %(new_request)s, %(new_sign_by)s::timestamptz, '', '', '{}'::jsonb, 0, 0, '[]'::jsonb, ''"""
_NEW_ESCROW = """
    INSERT INTO orders_escrow
        (id, marketplace_id, order_id, kind, status, buyer_wallet_id, seller_wallet_id,
         resolver_wallet_id, buyer_address, seller_address, platform_address, resolver_address,
         amount, contract_id, funded, released, refunded)
    VALUES (%(escrow_id)s, %(escrow_marketplace)s, %(escrow_order)s, %(escrow_kind)s,
        %(escrow_status)s, %(escrow_buyer_wallet)s, %(escrow_seller_wallet)s,
        %(escrow_resolver_wallet)s, %(escrow_buyer)s, %(escrow_seller)s, %(escrow_platform)s,
        %(escrow_resolver)s, %(escrow_amount)s, '', 0, 0, 0)"""
_NEW_MILESTONES = """
    INSERT INTO orders_milestone
        (id, order_id, position, ref, description, amount, status, evidence, paid_seller,
         paid_buyer, fee_platform, fee_protocol)
    SELECT m.id, %(order_id)s, m.number - 1, m.ref, m.description, m.amount, %(open)s, '',
        0, 0, 0, 0
    FROM unnest(%(ids)s::text[], %(refs)s::text[], %(descriptions)s::text[], %(amounts)s::bigint[])
        WITH ORDINALITY AS m(id, ref, description, amount, number)"""
_NEW_ORDER = """
    INSERT INTO orders_order
        (id, marketplace_id, external_ref, campaign_id, buyer_id, seller_id, amount, title,
         description, metadata, status, milestones_left, milestones_released, platform_fee_percent,
         refund_fees_borne_by, buyer_external, seller_external, has_windows, version, updated_at)
    VALUES (%(order_id)s, %(order_marketplace)s, %(order_ref)s, %(order_campaign)s,
        %(order_buyer)s, %(order_seller)s, %(order_amount)s, %(order_title)s,
        %(order_description)s, %(order_metadata)s, %(order_status)s, %(order_left)s, 0,
        %(order_fee)s, %(order_refund_fees)s, %(order_buyer_external)s,
        %(order_seller_external)s, %(order_windows)s,
        %(event_sequence)s, offerhub_now())"""
# The next call begins where the one before it has ended: the database allows one live call only,
# and the parts of a statement have no order but by what they read of each other.
_FOLLOWER = f"{_OPERATION} FROM op"


def save(
    order: Order,
    event: str,
    *,
    actor: Actor,
    payload: dict[str, Any] | None = None,
    changed: Changed = (),
    ended: EscrowOperation | None = None,
    status: Status = Status.CONFIRMED,
    fact: ChainFact | None = None,
    follower: EscrowOperation | None = None,
) -> None:
    """Write a change of an order and its event; `order.version` is raised by one.

    The caller holds the order's lock. `changed` is what of it changed too; `ended` an operation
    that ended with `status` and gives its account back; `follower` the one that comes after it.
    """
    told = {"status": order.status, **(payload or {})}
    values = events.recorded(order, event, actor=actor, payload=told)
    values |= {
        "order_id": order.pk,
        "order_status": order.status,
        "order_left": order.milestones_left,
        "order_released": order.milestones_released,
    }
    for row in changed:
        values |= _milestone(row) if isinstance(row, Milestone) else _escrow(row)
    if ended is not None:
        values |= finished(ended, status, fact)
    if follower is not None:
        values |= _operation(follower)
    kinds = frozenset(type(row) for row in changed)
    with connection.cursor() as cursor:
        cursor.execute(_statement(kinds, ended is not None, follower is not None), values)


def insert(operation: EscrowOperation, escrow: Escrow | None = None) -> None:
    """Write a new operation, and a new escrow with it where one is given. Raises IntegrityError
    while the order has a live operation."""
    statement, values = _OPERATION, _operation(operation)
    if escrow is not None:
        statement = f"WITH escrow AS ({_NEW_ESCROW}) {_OPERATION}"
        values |= _new_escrow(escrow)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def create(
    order: Order, milestones: Sequence[Milestone], *, actor: Actor, payload: dict[str, Any]
) -> None:
    """Write a new order, its milestones in their order, and its first event. Raises
    IntegrityError when its reference is taken."""
    values = events.recorded(order, "order.created", actor=actor, payload=payload)
    values |= {
        "order_id": order.pk,
        "order_marketplace": order.marketplace_id,
        "order_ref": order.external_ref,
        "order_campaign": order.campaign_id,
        "order_buyer": order.buyer_id,
        "order_seller": order.seller_id,
        "order_amount": order.amount,
        "order_title": order.title,
        "order_description": order.description,
        "order_metadata": Jsonb(order.metadata),
        "order_status": order.status,
        "order_left": order.milestones_left,
        "order_fee": order.platform_fee_percent,
        "order_refund_fees": order.refund_fees_borne_by,
        "order_buyer_external": order.buyer_external,
        "order_seller_external": order.seller_external,
        "order_windows": order.has_windows,
        "open": MilestoneStatus.OPEN.value,
        "ids": [m.pk for m in milestones],
        "refs": [m.ref for m in milestones],
        "descriptions": [m.description for m in milestones],
        "amounts": [m.amount for m in milestones],
    }
    parts = f"event AS ({events.RECORD}), milestones AS ({_NEW_MILESTONES})"
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {parts} {_NEW_ORDER}", values)


@functools.cache
def _statement(changed: frozenset[type], ended: bool, followed: bool) -> str:
    parts = [f"event AS ({events.RECORD})"]
    if Milestone in changed:
        parts.append(f"milestone AS ({_MILESTONE})")
    if Escrow in changed:
        parts.append(f"escrow AS ({_ESCROW})")
    if ended:
        parts.append(finishing(EscrowOperation))
    if followed:
        parts.append(f"follower AS ({_FOLLOWER})")
    return f"WITH {', '.join(parts)} {_ORDER}"


def _escrow(row: Escrow) -> dict[str, Any]:
    return {
        "escrow_id": row.pk,
        "escrow_status": row.status,
        "escrow_contract": row.contract_id,
        "escrow_funded": row.funded,
        "escrow_released": row.released,
        "escrow_refunded": row.refunded,
    }


def _new_escrow(row: Escrow) -> dict[str, Any]:
    return {
        "escrow_id": row.pk,
        "escrow_marketplace": row.marketplace_id,
        "escrow_order": row.order_id,
        "escrow_kind": row.kind,
        "escrow_status": row.status,
        "escrow_buyer_wallet": row.buyer_wallet_id,
        "escrow_seller_wallet": row.seller_wallet_id,
        "escrow_resolver_wallet": row.resolver_wallet_id,
        "escrow_buyer": row.buyer_address,
        "escrow_seller": row.seller_address,
        "escrow_platform": row.platform_address,
        "escrow_resolver": row.resolver_address,
        "escrow_amount": row.amount,
    }


def _milestone(row: Milestone) -> dict[str, Any]:
    return {
        "milestone_id": row.pk,
        "milestone_status": row.status,
        "milestone_evidence": row.evidence,
        "milestone_seller": row.paid_seller,
        "milestone_buyer": row.paid_buyer,
        "milestone_platform": row.fee_platform,
        "milestone_protocol": row.fee_protocol,
    }


def _operation(row: EscrowOperation) -> dict[str, Any]:
    return {
        "new_id": row.pk,
        "new_marketplace": row.marketplace_id,
        "new_order": row.order_id,
        "new_milestone": row.milestone_id,
        "new_kind": row.kind,
        "new_status": row.status,
        "new_wallet": row.source_wallet_id,
        "new_args": Jsonb(row.args),
        "new_then": Jsonb(row.then),
        "new_actor": row.actor,
        "new_request": row.request_id,
        "new_sign_by": row.sign_by,
    }

"""Writing what a step changed, its event included, as one statement (decision 10).

A sale takes some forty changes. Written one by one through the ORM, most of the time of a step
would go into sending them; here each step says what it changed and all of it goes at once.
"""

import functools
from collections.abc import Sequence
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from offerhub.chain.submission import Status, finished, finishing
from offerhub.chain.types import ChainFact
from offerhub.core.actor import Actor
from offerhub.events import services as events
from orders.models import Escrow, EscrowOperation, Milestone, Order

Changed = Sequence[Milestone | Escrow]

_ORDER = """
    UPDATE orders_order SET status = %(order_status)s, version = %(event_sequence)s,
        milestones_left = %(order_left)s, milestones_released = %(order_released)s,
        updated_at = now()
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
         actor, request_id, xdr, hash, envelope_meta, attempts, looks, history, lease)
    SELECT %(new_id)s, %(new_marketplace)s, %(new_order)s, %(new_milestone)s, %(new_kind)s,
        %(new_status)s, %(new_wallet)s, %(new_args)s::jsonb, %(new_then)s::jsonb, %(new_actor)s,
        %(new_request)s, '', '', '{}'::jsonb, 0, 0, '[]'::jsonb, ''"""
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
    values = events.recorded(order, event, actor=actor, payload=payload)
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


def insert(operation: EscrowOperation) -> None:
    """Write a new operation. Raises IntegrityError while the order has a live one."""
    with connection.cursor() as cursor:
        cursor.execute(_OPERATION, _operation(operation))


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
    }

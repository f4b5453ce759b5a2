"""How subscriptions are shown by the API. Amounts as decimal text, before fees."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from offerhub.core import clock
from offerhub.core.money import format_amount
from offerhub.subscriptions.advancing import pause_ends
from offerhub.subscriptions.charging import prepared_at, upcoming
from offerhub.subscriptions.models import Cycle, Subscription, running
from offerhub.subscriptions.states import CycleStatus, SubscriptionStatus
from orders.states import OrderStatus

_S, _C = SubscriptionStatus, CycleStatus
Body = dict[str, Any]


def subscription_body(row: Subscription) -> Body:
    """A subscription that was read with `for_display()`."""
    now, cycles = clock.now(), row.now_cycles
    current = running(cycles, now)
    return {
        "id": row.id,
        "externalRef": row.external_ref,
        "status": row.status,
        "buyerId": row.buyer_id,
        "buyerExternalId": row.buyer.external_id,
        "sellerId": row.seller_id,
        "sellerExternalId": row.seller.external_id,
        "amount": format_amount(row.amount),
        "interval": row.interval,
        "intervalCount": row.interval_count,
        "timeZone": row.time_zone,
        "startsAt": row.anchor_at,
        "onUnpaid": row.on_unpaid,
        "title": row.title,
        "description": row.description,
        "metadata": row.metadata,
        "currentCycle": cycle_body(current, now) if current else None,
        "nextCycle": next_cycle(row, now),
        "openCycles": [cycle_body(c, now) for c in cycles if c.status != _C.SETTLED],
        "ending": _ending(row),
        "nextStep": next_step(row, now),
        "pausedAt": row.paused_at,
        "endedAt": row.ended_at,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def is_pending(row: Subscription) -> tuple[bool, bool]:
    """Whether something is on its way, and whether a person decides it."""
    flying = any(cycle.is_in_flight for cycle in row.now_cycles)
    orders = [cycle.order for cycle in row.now_cycles if cycle.order and cycle.status == _C.OPEN]
    disputed = any(order.status == OrderStatus.DISPUTED for order in orders)
    return flying or row.status == _S.CANCELLING, disputed


def state_of(cycle: Cycle, now: datetime) -> str:
    """A cycle's state in the words of its reader: the clock's word where the row says open."""
    if cycle.status != _C.OPEN:
        return str(cycle.status)
    if cycle.to_seller is not None or now >= cycle.ends_at:
        return "ENDING"
    return "RUNNING" if cycle.starts_at <= now else "UPCOMING"


def cycle_body(cycle: Cycle, now: datetime) -> Body:
    """A cycle that was read with its order."""
    retry_at = cycle.retry_at if cycle.problem or cycle.status == _C.UNPAID else None
    return {
        "index": cycle.index,
        "status": state_of(cycle, now),
        "startsAt": cycle.starts_at,
        "endsAt": cycle.ends_at,
        "amount": format_amount(cycle.amount),
        "orderId": cycle.order_id,
        "orderStatus": cycle.order.status if cycle.order else None,
        "shares": _shares(cycle.to_seller, cycle.amount),
        "problem": cycle.problem,
        "nextAttemptAt": retry_at,
    }


def _shares(to_seller: int | None, amount: int) -> Body | None:
    if to_seller is None:
        return None
    return {"seller": format_amount(to_seller), "buyer": format_amount(amount - to_seller)}


def next_cycle(row: Subscription, now: datetime) -> Body | None:
    """The cycle that follows: prepared, unpaid, or on the calendar alone."""
    waiting = [c for c in row.now_cycles if c.starts_at > now and c.to_seller is None]
    if waiting:
        return _next(waiting[0], None)
    if row.status not in (_S.ACTIVE, _S.PAST_DUE) or row.stops_at is not None:
        return None
    cycle = upcoming(row, now)
    return _next(cycle, prepared_at(cycle))


def _next(cycle: Cycle, prepares_at: datetime | None) -> Body:
    return {
        "index": cycle.index,
        "startsAt": cycle.starts_at,
        "endsAt": cycle.ends_at,
        "amount": format_amount(cycle.amount),
        "preparesAt": prepares_at,
        "orderId": cycle.order_id,
    }


def _ending(row: Subscription) -> Body | None:
    if row.stops_at is None:
        return None
    return {"action": row.stops_as, "at": row.stops_at, "because": row.stops_because}


def next_step(row: Subscription, now: datetime) -> Body | None:
    """The first thing that happens by itself, a payment before others; None when it is over."""
    if row.status == _S.CANCELLED:
        return None
    if row.status == _S.PAUSED:
        return _step("CANCEL", pause_ends(row.paused_at))
    cycles = sorted(row.now_cycles, key=lambda cycle: cycle.status != _C.UNPAID)
    steps = [step for cycle in cycles for step in _cycle_steps(cycle, now)]
    if row.status != _S.CANCELLING and row.stops_at is not None:
        steps.append(_step(row.stops_as, row.stops_at))
    elif row.status == _S.ACTIVE:
        cycle = upcoming(row, now)
        steps.append(_step("PREPARE", prepared_at(cycle), cycle))
    return min(steps, key=lambda step: step["at"] or now, default=None)


def _cycle_steps(cycle: Cycle, now: datetime) -> Sequence[Body]:
    if cycle.status == _C.UNPAID:
        return [_step("RETRY_PAYMENT", cycle.retry_at, cycle)]
    if cycle.status != _C.OPEN:
        return []
    if cycle.to_seller is not None or now >= cycle.ends_at:
        return [_step("SETTLE", cycle.retry_at if cycle.problem else None, cycle)]
    return [_step("RELEASE", cycle.ends_at, cycle)]


def _step(action: str, at: datetime | None, cycle: Cycle | None = None) -> Body:
    return {"action": action, "at": at, "cycle": cycle.index if cycle else None}

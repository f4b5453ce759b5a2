"""Making the order of a cycle and paying it into its contract, once for each cycle.

The cycle, its order and the reservation of the buyer's money are one transaction. Where the money
is short there is a cycle without an order, and it is tried again by the schedule.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from offerhub.core.errors import InsufficientFunds, Refusal
from offerhub.core.money import format_amount
from offerhub.subscriptions import dunning
from offerhub.subscriptions.held import Held, told
from offerhub.subscriptions.models import Because, Cycle, Stop, Subscription
from offerhub.subscriptions.pace import SOON, retry_after
from offerhub.subscriptions.states import SubscriptionStatus
from orders import escrow_services, services
from orders.models import Order

ACTIVE, PAST_DUE = SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE


def upcoming(row: Subscription, at: datetime, *, after: datetime | None = None) -> Cycle:
    """The next cycle that has no order yet, not written; one whose whole time passed unasked is
    left out. `after`: the end of the cycle before, should the zone's rules have changed since."""
    calendar = row.calendar
    number = calendar.first_unfinished(row.next_number, at)
    starts_at, ends_at = calendar.start(number), calendar.end(number)
    return Cycle(
        subscription=row,
        index=row.next_index,
        number=number,
        starts_at=max(starts_at, after) if after else starts_at,
        ends_at=ends_at,
        amount=row.amount,
    )


def prepared_at(cycle: Cycle) -> datetime:
    """When its order is made: a while before it begins, never more than half of its length."""
    lead = timedelta(hours=settings.SUBSCRIPTION_PREPARE_HOURS)
    return cycle.starts_at - min(lead, (cycle.ends_at - cycle.starts_at) / 2)


def prepare(held: Held) -> datetime | None:
    """Make the cycles that are due; when to look at them or to make the next one. None while none
    is to follow."""
    row, looks = held.row, list[datetime | None]()
    while row.status == ACTIVE and row.stops_at is None:
        ends = [cycle.ends_at for cycle in held.cycles if cycle.is_whole]
        cycle = upcoming(row, held.now, after=max(ends, default=None))
        due = prepared_at(cycle)
        if held.now < due:
            looks.append(due)
            break
        if left_out := cycle.number - row.next_number:
            held.tell("subscription.cycles_skipped", count=left_out, until=told(cycle.starts_at))
        row.next_index, row.next_number = cycle.index + 1, cycle.number + 1
        cycle.save(force_insert=True)
        held.cycles.append(cycle)
        looks.append(charge(held, cycle))
    return min((at for at in looks if at is not None), default=None)


def charge(held: Held, cycle: Cycle) -> datetime | None:
    """Try to pay for a cycle at the present price; when to look at it again."""
    cycle.amount = held.row.amount
    try:
        with transaction.atomic():
            order = _order(held, cycle)
    except Refusal as refusal:
        if held.strict:
            raise
        return _failed(held, cycle, refusal)
    again = cycle.failed_since is not None
    cycle.order, cycle.call = order, None
    cycle.open()
    cycle.tries, cycle.looks, cycle.problem, cycle.failed_since = 1, 0, None, None
    cycle.asked_at, cycle.retry_at = held.now, held.now + retry_after(1)
    cycle.save()
    held.tell("subscription.cycle_prepared", cycle, **_terms(cycle))
    if held.row.status == PAST_DUE:
        held.row.recover()
    if again:
        held.tell("subscription.payment_recovered", cycle)
    return held.now + SOON


def _order(held: Held, cycle: Cycle) -> Order:
    row, tenant = held.row, held.row.marketplace_id
    first, last = cycle.starts_at.date(), cycle.ends_at.date()
    new = services.NewOrder(
        buyer=row.buyer_id,
        seller=row.seller_id,
        amount=cycle.amount,
        title=row.title,
        description=f"{row.description or row.title or 'Subscription'} ({first} to {last})"[:500],
        external_ref=f"{row.pk}/{cycle.index}",
        metadata={"subscriptionId": row.pk, "cycle": cycle.index},
        policy=None,  # the end of the cycle releases it, and no window of the marketplace
    )
    order = services.create_order(marketplace_id=tenant, new=new, actor=held.actor)
    return escrow_services.request_prepaid(
        marketplace_id=tenant, order_id=order.pk, actor=held.actor, lane=held.lane
    )


def _failed(held: Held, cycle: Cycle, refusal: Refusal) -> datetime | None:
    cycle.tries += 1
    cycle.failed_since = cycle.failed_since or held.now
    cycle.problem = {"code": refusal.code, "detail": _why(cycle, refusal)}
    if held.row.status == ACTIVE:
        held.row.fall_behind()
    follows = dunning.next_try(cycle.failed_since, cycle.ends_at, held.now)
    cycle.retry_at = follows.at if follows else None
    held.tell(
        "subscription.payment_failed",
        cycle,
        **_terms(cycle),
        code=refusal.code,
        available=refusal.extra.get("available"),
        nextTryAt=told(cycle.retry_at),
    )
    if follows is None:
        _give_up(held, cycle)
    elif follows.is_last:
        held.tell(
            "subscription.grace_began", cycle, until=told(follows.at), then=held.row.on_unpaid
        )
    cycle.save()
    return cycle.retry_at


def _why(cycle: Cycle, refusal: Refusal) -> str:
    """For people: what the buyer has and what it costs; or the refusal's own words."""
    if isinstance(refusal, InsufficientFunds):
        needed = format_amount(cycle.amount)
        return f"The buyer has {refusal.extra['available']} USDC; the cycle costs {needed}."
    return refusal.detail[:500]


def _give_up(held: Held, cycle: Cycle) -> None:
    drop(held, cycle, Because.UNPAID)
    held.stop(Stop(held.row.on_unpaid), Because.UNPAID)


def drop(held: Held, cycle: Cycle, because: Because) -> None:
    """Ask no more for the money of a cycle that has no order. The caller saves it."""
    cycle.drop()
    cycle.retry_at = None
    held.row.next_number = cycle.number
    if held.row.status == PAST_DUE:
        held.row.recover()
    held.tell("subscription.cycle_dropped", cycle, because=because)


def _terms(cycle: Cycle) -> dict[str, Any]:
    return {
        "amount": format_amount(cycle.amount),
        "startsAt": told(cycle.starts_at),
        "endsAt": told(cycle.ends_at),
    }

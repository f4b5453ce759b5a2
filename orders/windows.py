"""Release windows: a milestone that nobody disputes in time is released by itself.

A window runs from the funding, from the seller's shipment or from their completion. Its row says
when to look next, by the product's clock; nothing is counted down in memory or in a broker. A
dispute closes it in the transaction that opens the dispute, so one that comes in time always wins.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from offerhub.budget.lanes import Lane
from offerhub.chain.submission import LIVE
from offerhub.core import clock
from offerhub.core.actor import Actor, system
from offerhub.core.db import in_transaction
from offerhub.core.durations import format_duration
from offerhub.core.errors import FieldError, Unprocessable, WrongState
from orders import plans, rows, signing, writing
from orders.models import EscrowOperation, Milestone, Order, ReleaseWindow
from orders.operations import start
from orders.release_policy import LONGEST, Starts
from orders.services import lock_order, refuse_unless
from orders.states import OrderStatus

State = ReleaseWindow.State
ACTOR = system("release")
NOTE = "Released when the release window ended"
# A release that did not come about is asked for again after so long, and then after twice as long.
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=5), timedelta(days=1)
BUSY = timedelta(seconds=2)  # while another call to the contract is on its way


def begin(order: Order, event: Starts, milestone: Milestone | None = None) -> None:
    """Start the windows that wait for this. The order's row is locked."""
    if not order.has_windows:
        return
    waiting = ReleaseWindow.objects.filter(order=order, starts=event, state=State.WAITING)
    if milestone is not None:
        waiting = waiting.filter(milestone=milestone)
    now = clock.now()
    for window in waiting:
        window.state, window.ends_at = State.RUNNING, now + window.length
        window.next_at = _reminder_of(window, now)
        window.save(update_fields=["state", "ends_at", "next_at"])


def close(order: Order, milestones: Sequence[Milestone], why: str) -> None:
    """Nothing is released by itself any more. The order's row is locked."""
    if order.has_windows:
        open_ones = ReleaseWindow.objects.filter(milestone__in=milestones).exclude(
            state=State.CLOSED
        )
        open_ones.update(state=State.CLOSED, next_at=None, closed_because=why)


def _reminder_of(window: ReleaseWindow, now: datetime) -> datetime:
    """A while before the end; half-way where there is not so much time."""
    assert window.ends_at is not None
    early = min(timedelta(hours=settings.RELEASE_REMINDER_HOURS), (window.ends_at - now) / 2)
    return window.ends_at - early


@in_transaction
def ship(
    *,
    marketplace_id: str,
    order_id: str,
    milestone_ref: str | None = None,
    shipment: dict[str, str],
    actor: Actor,
) -> Order:
    """The seller sent the goods. Starts the windows that wait for it; marking it again corrects
    the tracking data and starts nothing anew."""
    order = lock_order(marketplace_id, order_id)
    refuse_unless(order, OrderStatus.IN_PROGRESS, OrderStatus.DISPUTED, doing="shipping")
    milestones = plans.chosen(list(order.milestones.all()), milestone_ref)
    one = milestones[0] if milestone_ref is not None else None
    first = order.shipment or {"shippedAt": clock.now().isoformat(timespec="milliseconds")}
    order.shipment = {**shipment, "shippedAt": first["shippedAt"]}
    Order.objects.filter(pk=order.pk).update(shipment=order.shipment)
    begin(order, Starts.SHIPPED, one)
    payload: dict[str, Any] = {**order.shipment, **({"milestoneId": one.ref} if one else {})}
    writing.save(order, "order.shipped", actor=actor, payload=payload)
    return order


@in_transaction
def extend(
    *,
    marketplace_id: str,
    order_id: str,
    milestone_ref: str | None = None,
    by: timedelta,
    actor: Actor,
) -> Order:
    """The buyer wants more time: the end of the running windows moves by `by`."""
    order = lock_order(marketplace_id, order_id)
    refuse_unless(order, OrderStatus.IN_PROGRESS, OrderStatus.DISPUTED, doing="extending")
    milestones = plans.chosen(list(order.milestones.all()), milestone_ref)
    running = list(
        ReleaseWindow.objects.filter(milestone__in=milestones, state=State.RUNNING).select_related(
            "milestone"
        )
    )
    now = clock.now()
    if not running or any(window.ends_at is None or window.ends_at <= now for window in running):
        raise WrongState("No release window is running that could be extended")
    for window in running:
        assert window.ends_at is not None
        window.ends_at += by
        if window.ends_at - now > LONGEST:
            text = f"would end more than {LONGEST.days} days from now"
            raise Unprocessable(errors=[FieldError("by", "too_long", text)])
        window.next_at = _reminder_of(window, now)
        window.save(update_fields=["ends_at", "next_at"])
        payload = {**_told(window), "by": format_duration(by)}
        writing.save(order, "order.release_extended", actor=actor, payload=payload)
    return order


@in_transaction
def attend(*, milestone_id: str) -> None:
    """Do what is due: remind, release, or see whether the release came about."""
    place = Milestone.objects.filter(pk=milestone_id).values_list(
        "order_id", "order__marketplace_id"
    )
    found = rows.locked_whole(*place.get())
    if found is None:
        return
    order, milestones = found
    window = ReleaseWindow.objects.select_for_update().get(milestone_id=milestone_id)
    now = clock.now()
    if window.state != State.RUNNING or window.next_at is None or window.next_at > now:
        return
    window.milestone = next(m for m in milestones if m.pk == milestone_id)
    if window.milestone.status not in (*plans.OPEN_TO_ALL, "RELEASING"):
        close(order, [window.milestone], window.milestone.status)
    elif window.ends_at is not None and now < window.ends_at:
        _look_again(window, window.ends_at)
        writing.save(order, "order.release_reminder", actor=ACTOR, payload=_told(window))
    elif live := EscrowOperation.objects.filter(order=order, status__in=LIVE).first():
        signing.call_off(live)
        _look_again(window, now + BUSY)
    else:
        _release(order, milestones, window, now)


def _release(
    order: Order, milestones: list[Milestone], window: ReleaseWindow, now: datetime
) -> None:
    pause = min(FIRST_RETRY * 2 ** min(window.tries, 10), LONGEST_RETRY)
    window.tries += 1
    _look_again(window, now + pause)
    payload = {**_told(window), "try": window.tries}
    writing.save(order, "order.release_window_ended", actor=ACTOR, payload=payload)
    steps = plans.to_release(milestones, window.milestone.ref, NOTE)
    if order.buyer_external:  # who may not be there to sign: the resolver pays out instead
        steps = plans.to_pay_out(window.milestone, NOTE)
    start(order.escrow, steps, ACTOR, window.milestone, lane=Lane.AUTOMATIC)


def _look_again(window: ReleaseWindow, at: datetime) -> None:
    window.next_at = at
    window.save(update_fields=["next_at", "tries"])


def _told(window: ReleaseWindow) -> dict[str, Any]:
    assert window.ends_at is not None
    ends = window.ends_at.isoformat(timespec="milliseconds")
    return {"milestoneId": window.milestone.ref, "releaseAt": ends}

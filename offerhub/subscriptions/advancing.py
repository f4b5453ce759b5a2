"""One look at a subscription: everything that is due of it, in one transaction, done once."""

from datetime import datetime, timedelta

from django.conf import settings

from offerhub.core import jobs
from offerhub.core.actor import system
from offerhub.core.db import in_transaction
from offerhub.subscriptions import charging
from offerhub.subscriptions.following import follow
from offerhub.subscriptions.held import Held, hold
from offerhub.subscriptions.models import Because, Stop
from offerhub.subscriptions.states import OVER, SubscriptionStatus

JOB = "subscriptions.attend"
NEAR = timedelta(seconds=20)  # what is due so soon is not left to the sweep

_S = SubscriptionStatus


@in_transaction
def attend(*, subscription_id: str) -> float | None:
    """Do what is due by the database's clock; in how many seconds something is again, when soon.

    Run twice, late, or by workers whose clocks differ it does the same: whoever comes second finds
    nothing due.
    """
    held = hold(subscription_id, system("subscriptions"))
    due = held.row.next_at
    if due is not None and due <= held.now:
        advance(held)
    due = held.row.next_at
    soon = due is not None and due - held.now <= NEAR
    return (due - held.now).total_seconds() if due and soon else None


def advance(held: Held) -> None:
    """Bring it as far as it goes now, write it, and say when to look again."""
    row = held.row
    looks = [follow(held, cycle) for cycle in held.cycles]
    looks += [charging.prepare(held), _stop(held)]
    row.next_at = min((at for at in looks if at is not None), default=None)
    row.updated_at = held.now
    row.save()
    if row.next_at is not None and row.next_at - held.now <= NEAR:
        jobs.ring(JOB, row.pk)


def _stop(held: Held) -> datetime | None:
    """Pause or end it when it is time; when that will be."""
    row = held.row
    limit = pause_ends(row.paused_at) if row.status == _S.PAUSED else None
    if limit is not None and held.now >= limit:
        held.stop(Stop.CANCEL, Because.PAUSED_TOO_LONG)
    if row.stops_at is not None and held.now >= row.stops_at and row.status not in OVER:
        if row.stops_as == Stop.PAUSE:
            return _pause(held)
        row.wind_up()
        held.tell("subscription.ending", because=row.stops_because)
    if row.status == _S.CANCELLING and not held.has_open:
        row.cancel()
        row.ended_at = held.now
        held.tell("subscription.cancelled", because=row.stops_because)
    if row.status in OVER:
        return None
    return limit if row.stops_at is None else row.stops_at


def _pause(held: Held) -> datetime:
    row = held.row
    row.pause()
    row.paused_at = held.now
    held.tell("subscription.paused", because=row.stops_because)
    held.go_on()
    return pause_ends(held.now)


def pause_ends(paused_at: datetime | None) -> datetime:
    """When a pause that began then has lasted too long."""
    assert paused_at is not None
    return paused_at + timedelta(days=settings.SUBSCRIPTION_PAUSE_DAYS)

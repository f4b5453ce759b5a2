"""What marketplaces ask for: begin, change, pause, resume and cancel a subscription.

Each is one transaction that ends by doing what has become due, as the sweep would.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from offerhub.api.serializers import camel
from offerhub.core.actor import Actor
from offerhub.core.clock import ProductNow
from offerhub.core.db import in_transaction
from offerhub.core.errors import DuplicateReference, FieldError, Unprocessable, WrongState
from offerhub.core.money import format_amount
from offerhub.marketplaces.models import Marketplace
from offerhub.subscriptions import cancellation
from offerhub.subscriptions.advancing import advance
from offerhub.subscriptions.calendar import MOST, Interval, is_zone
from offerhub.subscriptions.cancellation import When
from offerhub.subscriptions.held import Held, hold, told
from offerhub.subscriptions.models import Because, Stop, Subscription
from offerhub.subscriptions.states import GOES_ON, SubscriptionStatus
from offerhub.users.services import find_users

LATEST = timedelta(days=366)  # a subscription begins at most so long from now
# Clocks of marketplaces may be a little behind ours.
TOLERANCE = timedelta(minutes=5)

_S = SubscriptionStatus


@dataclass(frozen=True)
class NewSubscription:
    """What a marketplace asks for. Users by our id or its own; the amount of a cycle in stroops,
    whole cents. Without `starts_at` it begins now."""

    buyer: str
    seller: str
    amount: int
    interval: Interval
    interval_count: int = 1
    starts_at: datetime | None = None
    time_zone: str = "UTC"
    on_unpaid: Stop = Stop.PAUSE
    title: str = ""
    description: str = ""
    external_ref: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@in_transaction
def create_subscription(*, marketplace_id: str, new: NewSubscription, actor: Actor) -> Subscription:
    """A new subscription, ACTIVE. What begins now is paid for now: raises InsufficientFunds, and
    there is no subscription then."""
    parties = find_users(marketplace_id, {"buyerId": new.buyer, "sellerId": new.seller})
    buyer, seller = parties["buyerId"], parties["sellerId"]
    now = _now(marketplace_id)
    _refuse(
        ("sellerId", "same_party", "must be another user than the buyer", buyer.pk == seller.pk),
        ("timeZone", "unknown_time_zone", "names no time zone", not is_zone(new.time_zone)),
        (
            "intervalCount",
            "interval_too_long",
            f"is at most {MOST[new.interval]} for a {new.interval}",
            new.interval_count > MOST[new.interval],
        ),
        *_start_complaints(new.starts_at, now),
    )
    row = Subscription(
        marketplace_id=marketplace_id,
        external_ref=new.external_ref,
        buyer=buyer,
        seller=seller,
        amount=new.amount,
        title=new.title,
        description=new.description,
        metadata=new.metadata,
        interval=new.interval,
        interval_count=new.interval_count,
        anchor_at=(new.starts_at or now).replace(microsecond=0),
        time_zone=new.time_zone,
        on_unpaid=new.on_unpaid,
        next_at=now,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if "subscription_ref_once" not in str(error):
            raise
        raise DuplicateReference(
            f"externalRef {new.external_ref!r} is already used by another subscription",
            errors=[FieldError("externalRef", "duplicate_reference", "is already used")],
        ) from None
    held = hold(row.pk, actor)
    held.strict = True
    held.tell(
        "subscription.created", amount=format_amount(new.amount), startsAt=told(held.row.anchor_at)
    )
    advance(held)
    return held.row


def _now(marketplace_id: str) -> datetime:
    """The database's clock, before there is a row to read it with."""
    tenant = Marketplace.objects.filter(pk=marketplace_id)
    return tenant.annotate(now=ProductNow()).values_list("now", flat=True).get()


def _start_complaints(
    starts_at: datetime | None, now: datetime
) -> list[tuple[str, str, str, bool]]:
    if starts_at is None:
        return []
    late = f"must be at most {LATEST.days} days from now"
    return [
        ("startsAt", "in_the_past", "must not be in the past", starts_at < now - TOLERANCE),
        ("startsAt", "too_far_away", late, starts_at > now + LATEST),
    ]


def _refuse(*complaints: tuple[str, str, str, bool]) -> None:
    """Raise Unprocessable with every complaint that applies."""
    errors = [FieldError(name, code, text) for name, code, text, applies in complaints if applies]
    if errors:
        raise Unprocessable(errors=errors)


@in_transaction
def update_subscription(
    *, marketplace_id: str, subscription_id: str, changes: dict[str, Any], actor: Actor
) -> Subscription:
    """Change its price, its words or its policy. A new price is that of the next cycle that has no
    order yet; one that could not be paid is tried at once at the new price."""
    held = _hold(marketplace_id, subscription_id, actor, _S.ACTIVE, _S.PAST_DUE, _S.PAUSED)
    row = held.row
    changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
    before = row.amount
    for name, value in changed.items():
        setattr(row, name, value)
    if "amount" in changed:
        first = held.unpaid.index if held.unpaid else row.next_index
        held.tell(
            "subscription.price_changed",
            amount=format_amount(row.amount),
            before=format_amount(before),
            fromIndex=first,
        )
        if held.unpaid is not None:
            held.unpaid.retry_at = None
    if words := changed.keys() - {"amount"}:
        held.tell("subscription.updated", changed=sorted(map(camel, words)))
    advance(held)
    return row


@in_transaction
def pause(*, marketplace_id: str, subscription_id: str, actor: Actor) -> Subscription:
    """No cycle after the running one. One that is paid and has not begun is given back."""
    held = _hold(marketplace_id, subscription_id, actor, *GOES_ON, doing="pausing")
    if held.row.stops_at is not None:
        end = told(held.row.stops_at)
        raise WrongState(f"It stops by itself at {end} already", stopsAs=held.row.stops_as)
    _stop_at_period_end(held, Stop.PAUSE)
    return held.row


@in_transaction
def cancel(
    *, marketplace_id: str, subscription_id: str, when: When, reason: str = "", actor: Actor
) -> Subscription:
    """End it: NOW, with the running cycle divided by the time that has passed, or when what is paid
    has come to its end. One that is paused ends at once either way."""
    states = (_S.ACTIVE, _S.PAST_DUE, _S.PAUSED)
    held = _hold(marketplace_id, subscription_id, actor, *states, doing="cancelling")
    held.tell("subscription.cancel_requested", when=when, reason=reason)
    if when == When.PERIOD_END:
        _stop_at_period_end(held, Stop.CANCEL)
        return held.row
    held.stop(Stop.CANCEL, Because.REQUESTED, at=held.now)
    cancellation.apply(held, When.NOW)
    advance(held)
    return held.row


def _stop_at_period_end(held: Held, how: Stop) -> None:
    cancellation.apply(held, When.PERIOD_END)
    held.stop(how, Because.REQUESTED)
    if held.row.stops_at != held.now:
        held.tell("subscription.stop_planned", at=told(held.row.stops_at), how=how)
    advance(held)


@in_transaction
def resume(
    *,
    marketplace_id: str,
    subscription_id: str,
    starts_at: datetime | None = None,
    actor: Actor,
) -> Subscription:
    """Go on. What this means depends on the state:

    PAUSED: a new cycle begins now (or at `starts_at`), and the calendar is reckoned from there.
    About to stop at the end of its period: it does not stop, and the calendar stays.
    PAST_DUE: the unpaid cycle is tried at once.
    What is due now is paid for now: raises InsufficientFunds, and nothing has changed then.
    """
    held = _hold(marketplace_id, subscription_id, actor, *GOES_ON, _S.PAUSED, doing="resuming")
    row, held.strict = held.row, True
    if row.status == _S.ACTIVE and row.stops_at is None:
        raise WrongState("The subscription is ACTIVE; there is nothing to resume")
    if row.status != _S.PAUSED and starts_at is not None:
        text = "can be chosen for a paused subscription only"
        raise Unprocessable(errors=[FieldError("startsAt", "not_paused", text)])
    _refuse(*_start_complaints(starts_at, held.now))
    if row.status == _S.PAUSED:
        row.resume()
        row.anchor_at = (starts_at or held.now).replace(microsecond=0)
        row.next_number, row.paused_at = 0, None
    elif held.unpaid is not None:
        held.unpaid.retry_at = None
    held.go_on()
    held.tell("subscription.resumed", startsAt=told(row.anchor_at))
    advance(held)
    return row


def _hold(
    marketplace_id: str,
    subscription_id: str,
    actor: Actor,
    *allowed: SubscriptionStatus,
    doing: str = "changing",
) -> Held:
    held = hold(subscription_id, actor, marketplace_id)
    status = held.row.status
    if status not in allowed:
        raise WrongState(
            f"The subscription is {status}; {doing} needs {' or '.join(allowed)}",
            currentStatus=status,
        )
    return held

"""Subscriptions and their billing cycles; each cycle is one order."""

import functools
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django_fsm import FSMField, transition

from offerhub.chain.submission import LIVE, Status
from offerhub.core.clock import ProductNow
from offerhub.core.db import AmountField, PublicIdField
from offerhub.core.fsm import guard
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace
from offerhub.subscriptions.calendar import Calendar, Interval
from offerhub.subscriptions.querysets import CycleQuerySet, SubscriptionQuerySet
from offerhub.subscriptions.states import (
    CYCLE_EDGES,
    SUBSCRIPTION_EDGES,
    CycleStatus,
    SubscriptionStatus,
)
from offerhub.users.models import User
from orders.models import Order

subscription_id = functools.partial(new_id, "sub")

_S, _C = SubscriptionStatus, CycleStatus
_BEFORE_ITS_END = [_S.ACTIVE, _S.PAST_DUE, _S.PAUSED]


class Stop(models.TextChoices):
    """How a subscription stops: for a while, or for ever."""

    PAUSE = "PAUSE"
    CANCEL = "CANCEL"


class Because(models.TextChoices):
    """Why it stopped."""

    REQUESTED = "REQUESTED"
    UNPAID = "UNPAID"
    PAUSED_TOO_LONG = "PAUSED_TOO_LONG"


class Subscription(models.Model):
    """A sale that comes again. `amount` is the price of the next cycle that has no order yet, in
    stroops, whole cents. Cycle number n is reckoned from `anchor_at` in `time_zone`."""

    id = PublicIdField(primary_key=True, default=subscription_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    external_ref = models.CharField(max_length=128, null=True)  # noqa: DJ001 (unique when given)
    buyer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="subscriptions")
    seller = models.ForeignKey(User, on_delete=models.PROTECT, related_name="subscribers")
    amount = AmountField()
    title = models.CharField(max_length=100, blank=True)
    description = models.CharField(max_length=500, blank=True)
    metadata = models.JSONField(default=dict)
    interval = models.CharField(max_length=5, choices=Interval.choices)
    interval_count = models.PositiveSmallIntegerField(default=1)
    anchor_at = models.DateTimeField()
    time_zone = models.CharField(max_length=64, default="UTC")
    on_unpaid = models.CharField(max_length=6, choices=Stop.choices, default=Stop.PAUSE)
    status = FSMField(default=_S.ACTIVE, choices=SubscriptionStatus.choices, protected=True)
    # It stops by itself at this instant, the end of what is paid: until then it goes on.
    stops_at = models.DateTimeField(null=True)
    stops_as = models.CharField(max_length=6, choices=Stop.choices, blank=True)
    stops_because = models.CharField(max_length=15, choices=Because.choices, blank=True)
    # Of the next cycle: its place in the list, and its number on the calendar.
    next_index = models.PositiveIntegerField(default=0)
    next_number = models.PositiveIntegerField(default=0)
    paused_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)  # when to look: the one due time
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=ProductNow())
    updated_at = models.DateTimeField(db_default=ProductNow())
    objects = SubscriptionQuerySet.as_manager()

    now_cycles: "list[Cycle]"  # on a row that was read with `for_display()`

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["marketplace", "external_ref"], name="subscription_ref_once"
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0), name="subscription_amount_positive"
            ),
            models.CheckConstraint(
                condition=~models.Q(buyer=models.F("seller")), name="subscription_two_parties"
            ),
            models.CheckConstraint(
                condition=models.Q(next_at__isnull=False) | models.Q(status=_S.CANCELLED),
                name="subscription_is_looked_at",
            ),
            models.CheckConstraint(
                condition=models.Q(stops_at__isnull=True, stops_as="")
                | models.Q(stops_at__isnull=False) & ~models.Q(stops_as=""),
                name="subscription_stops_somehow",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["marketplace", "-id"], name="subscription_newest_first"),
            models.Index(fields=["marketplace", "status", "-id"], name="subscription_by_status"),
            models.Index(
                fields=["next_at"],
                condition=models.Q(next_at__isnull=False),
                name="subscription_due",
            ),
        ]
        triggers: ClassVar = [
            guard("subscription_edges", "status", SUBSCRIPTION_EDGES),
            pgtrigger.ReadOnly(
                name="subscription_terms",
                fields=[
                    "marketplace",
                    "buyer",
                    "seller",
                    "interval",
                    "interval_count",
                    "time_zone",
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def calendar(self) -> Calendar:
        """When its cycles begin and end."""
        unit = Interval(self.interval)
        return Calendar(self.anchor_at, self.time_zone, unit, self.interval_count)

    @transition(field=status, source=_S.ACTIVE, target=_S.PAST_DUE)
    def fall_behind(self) -> None:
        """A cycle could not be paid."""

    @transition(field=status, source=_S.PAST_DUE, target=_S.ACTIVE)
    def recover(self) -> None:
        """It was paid, or nobody asks for it any more."""

    @transition(field=status, source=[_S.ACTIVE, _S.PAST_DUE], target=_S.PAUSED)
    def pause(self) -> None:
        """No cycle follows until it is resumed."""

    @transition(field=status, source=_S.PAUSED, target=_S.ACTIVE)
    def resume(self) -> None:
        """Cycles follow again."""

    @transition(field=status, source=_BEFORE_ITS_END, target=_S.CANCELLING)
    def wind_up(self) -> None:
        """Over; what its contracts hold is being settled."""

    @transition(field=status, source=[*_BEFORE_ITS_END, _S.CANCELLING], target=_S.CANCELLED)
    def cancel(self) -> None:
        """Over, and nothing is left to settle."""


class Cycle(models.Model):
    """One billing cycle: a time, a price and an order.

    `index` counts a subscription's cycles from 0; `number` is the place on its calendar, which
    begins anew when the subscription is resumed. `to_seller` is decided once: what the seller gets
    of the order, before fees; all of it at the end, less when it ended early.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="cycles")
    index = models.PositiveIntegerField()
    number = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    amount = AmountField()
    order = models.OneToOneField(
        Order, on_delete=models.PROTECT, null=True, related_name="subscription_cycle"
    )
    status = FSMField(default=_C.UNPAID, choices=CycleStatus.choices, protected=True)
    to_seller: "models.BigIntegerField[int | None, int | None]" = AmountField(  # type: ignore[assignment,misc]
        null=True
    )
    # Of what is wanted now: how often it was asked for, since when, and when to ask again.
    tries = models.PositiveSmallIntegerField(default=0)
    looks = models.PositiveIntegerField(default=0)  # since then, while a call was on its way
    failed_since = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    problem = models.JSONField(null=True)  # {"code", "detail"} of the last try that failed
    objects = CycleQuerySet.as_manager()

    call: dict[str, Any] | None = None  # the order's newest, when read with `with_orders()`

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription", "index"], name="cycle_once"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="cycle_amount_positive"),
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="cycle_has_a_length"
            ),
            models.CheckConstraint(
                condition=models.Q(to_seller__isnull=True)
                | models.Q(to_seller__gte=0, to_seller__lte=models.F("amount")),
                name="cycle_share_of_its_amount",
            ),
            models.CheckConstraint(
                condition=models.Q(order__isnull=True, status__in=[_C.UNPAID, _C.DROPPED])
                | models.Q(order__isnull=False, status__in=[_C.OPEN, _C.SETTLED]),
                name="cycle_paid_by_an_order",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["subscription"],
                condition=models.Q(status=_C.OPEN, tries__gte=3),
                name="cycle_needs_a_person",
            ),
        ]
        triggers: ClassVar = [
            guard("cycle_edges", "status", CYCLE_EDGES),
            pgtrigger.ReadOnly(
                name="cycle_terms",
                fields=["subscription", "index", "number", "starts_at", "ends_at"],
            ),
            pgtrigger.Protect(
                name="cycle_decided_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(
                    old__to_seller__isnull=False,
                    old__to_seller__df=pgtrigger.F("new__to_seller"),
                ),
            ),
            # Nobody pays for the same time twice; what was never paid or given back is no time.
            pgtrigger.Trigger(
                name="cycle_overlaps_none",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func="""
                    IF EXISTS (
                        SELECT FROM subscriptions_cycle c
                        WHERE c.subscription_id = NEW.subscription_id
                          AND c.starts_at < NEW.ends_at AND NEW.starts_at < c.ends_at
                          AND c.status <> 'DROPPED' AND c.to_seller IS DISTINCT FROM 0
                    ) THEN
                        RAISE EXCEPTION 'subscription % is paid for some of this time already',
                            NEW.subscription_id;
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id}/{self.index}"

    @transition(field=status, source=_C.UNPAID, target=_C.OPEN)
    def open(self) -> None:
        """The buyer's money is set aside and on its way into the contract."""

    @transition(field=status, source=_C.UNPAID, target=_C.DROPPED)
    def drop(self) -> None:
        """Nobody asks for its money any more."""

    @transition(field=status, source=_C.OPEN, target=_C.SETTLED)
    def settle(self) -> None:
        """Its order is over."""

    @property
    def is_in_flight(self) -> bool:
        """Whether a call to its contract may still apply."""
        return self.call is not None and self.call["status"] in LIVE

    @property
    def failed_call(self) -> dict[str, Any] | None:
        """The newest call, when it failed."""
        return self.call if self.call and self.call["status"] == Status.FAILED else None

    @property
    def is_whole(self) -> bool:
        """Paid, and neither given back nor cut short."""
        paid = self.status in (_C.OPEN, _C.SETTLED)
        return paid and self.to_seller in (None, self.amount)

    def runs(self, at: datetime) -> bool:
        """Whether what was paid for is going on."""
        return self.is_whole and self.starts_at <= at < self.ends_at


def running(cycles: Sequence[Cycle], at: datetime) -> Cycle | None:
    """The cycle that runs."""
    return next((cycle for cycle in cycles if cycle.runs(at)), None)

"""Orders, their milestones, and the windows that release them by themselves."""

import functools
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django_fsm import FSMField, transition

from offerhub.core.clock import ProductNow
from offerhub.core.db import AmountField, PublicIdField
from offerhub.core.durations import parse_duration
from offerhub.core.fsm import guard
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace, RefundFees
from offerhub.users.models import User
from orders.campaigns.models import Campaign
from orders.querysets import OrderQuerySet, WindowQuerySet
from orders.release_policy import Starts
from orders.states import (
    MILESTONE_EDGES,
    OPEN_ORDER,
    ORDER_EDGES,
    WINDOW_EDGES,
    MilestoneStatus,
    OrderStatus,
)

order_id = functools.partial(new_id, "ord")
milestone_id = functools.partial(new_id, "mil")

_O, _M = OrderStatus, MilestoneStatus


class Order(models.Model):
    """A sale between two users of one marketplace. `amount` in stroops, whole cents."""

    id = PublicIdField(primary_key=True, default=order_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="orders")
    external_ref = models.CharField(max_length=128, null=True)  # noqa: DJ001 (unique when given)
    # The campaign that it is a pledge of; see orders.campaigns.
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, null=True, related_name="orders", db_index=False
    )
    buyer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="purchases")
    seller = models.ForeignKey(User, on_delete=models.PROTECT, related_name="sales")
    amount = AmountField()
    title = models.CharField(max_length=100, blank=True)
    description = models.CharField(max_length=500, blank=True)
    metadata = models.JSONField(default=dict)
    status = FSMField(default=_O.CREATED, choices=OrderStatus.choices, protected=True)
    # Milestones that are neither released nor refunded; zero ends the order.
    milestones_left = models.PositiveSmallIntegerField()
    milestones_released = models.PositiveSmallIntegerField(default=0)
    platform_fee_percent = models.PositiveSmallIntegerField(default=0)
    refund_fees_borne_by = models.CharField(
        max_length=11, choices=RefundFees.choices, db_default=RefundFees.BUYER
    )
    # Whether a party holds the key of their wallet: they sign, and we hold none of their money.
    buyer_external = models.BooleanField(db_default=False)
    seller_external = models.BooleanField(db_default=False)
    # Whether some milestone is released by itself.
    has_windows = models.BooleanField(default=False, db_default=False)
    # {"shippedAt", "carrier"?, "trackingNumber"?, "trackingUrl"?} once the seller sent the goods.
    shipment = models.JSONField(null=True)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=ProductNow())
    updated_at = models.DateTimeField(auto_now=True)
    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["marketplace", "external_ref"], name="order_ref_once"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="order_amount_positive"),
            models.CheckConstraint(
                condition=~models.Q(buyer=models.F("seller")), name="order_two_parties"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["marketplace", "-id"], name="order_newest_first"),
            models.Index(fields=["marketplace", "status", "-id"], name="order_by_status"),
            models.Index(
                fields=["campaign", "-id"],
                condition=models.Q(campaign__isnull=False),
                name="order_by_campaign",
            ),
            models.Index(
                fields=["updated_at"],
                condition=models.Q(status__in=OPEN_ORDER),
                name="order_open_by_age",
            ),
        ]
        triggers: ClassVar = [guard("order_edges", "status", ORDER_EDGES)]

    def __str__(self) -> str:
        return self.id

    @property
    def shipped_at(self) -> datetime | None:
        """When the seller sent the goods."""
        return datetime.fromisoformat(self.shipment["shippedAt"]) if self.shipment else None

    @transition(field=status, source=_O.CREATED, target=_O.RESERVED)
    def reserve(self) -> None:
        """The buyer's money is set aside for this order."""

    @transition(
        field=status, source=[_O.CREATED, _O.RESERVED, _O.ESCROW_CREATED], target=_O.CANCELLED
    )
    def cancel(self) -> None:
        """Ended before any money was in the contract."""

    @transition(field=status, source=_O.RESERVED, target=_O.ESCROW_CREATED)
    def escrow_created(self) -> None:
        """The contract exists on the chain."""

    @transition(field=status, source=_O.ESCROW_CREATED, target=_O.IN_PROGRESS)
    def funded(self) -> None:
        """The contract holds the money."""

    @transition(field=status, source=[_O.IN_PROGRESS, _O.DISPUTED], target=_O.COMPLETED)
    def complete(self) -> None:
        """Everything was settled and the seller was paid, in whole or in part."""

    @transition(field=status, source=[_O.IN_PROGRESS, _O.DISPUTED], target=_O.REFUNDED)
    def refund(self) -> None:
        """Everything went back to the buyer."""

    @transition(field=status, source=_O.IN_PROGRESS, target=_O.DISPUTED)
    def dispute(self) -> None:
        """A party disputes; the disputed money is frozen on the chain."""

    @transition(field=status, source=_O.DISPUTED, target=_O.IN_PROGRESS)
    def resume(self) -> None:
        """The dispute ended and milestones remain."""


class Milestone(models.Model):
    """A part of an order that is delivered, approved and paid by itself.

    `ref` is the marketplace's own id for it (`m1`); an order without milestones has one, `m1`.
    `position` is its index in the contract.
    """

    id = PublicIdField(primary_key=True, default=milestone_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="milestones")
    position = models.PositiveSmallIntegerField()
    ref = models.CharField(max_length=64)
    description = models.CharField(max_length=500)
    amount = AmountField()
    status = FSMField(default=_M.OPEN, choices=MilestoneStatus.choices, protected=True)
    evidence = models.CharField(max_length=500, blank=True)
    # What the contract paid when it was settled: gross = seller + buyer + fees.
    paid_seller = AmountField(default=0)
    paid_buyer = AmountField(default=0)
    fee_platform = AmountField(default=0)
    fee_protocol = AmountField(default=0)

    class Meta:
        ordering: ClassVar = ["order", "position"]
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="milestone_position_once"),
            models.UniqueConstraint(fields=["order", "ref"], name="milestone_ref_once"),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0), name="milestone_amount_positive"
            ),
        ]
        triggers: ClassVar = [guard("milestone_edges", "status", MILESTONE_EDGES)]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.ref}"

    @transition(field=status, source=_M.OPEN, target=_M.COMPLETED)
    def complete(self) -> None:
        """The seller says the work is done, and the contract says so."""

    @transition(field=status, source=[_M.OPEN, _M.COMPLETED], target=_M.APPROVED)
    def approve(self) -> None:
        """The buyer accepted it; a campaign's pledge without a seller's word before."""

    @transition(field=status, source=_M.APPROVED, target=_M.RELEASING)
    def start_release(self) -> None:
        """The payment to the seller is on its way."""

    @transition(field=status, source=[_M.RELEASING, _M.DISPUTED], target=_M.RELEASED)
    def released(self) -> None:
        """The contract paid the seller."""

    @transition(field=status, source=_M.RELEASING, target=_M.APPROVED)
    def release_failed(self) -> None:
        """Proven: the payment did not happen and can not happen any more."""

    @transition(
        field=status, source=[_M.OPEN, _M.COMPLETED, _M.APPROVED, _M.DISPUTED], target=_M.REFUNDED
    )
    def refunded(self) -> None:
        """The contract paid the buyer back."""

    @transition(field=status, source=[_M.OPEN, _M.COMPLETED, _M.APPROVED], target=_M.DISPUTED)
    def disputed(self) -> None:
        """Frozen on the chain until support decides."""


class ReleaseWindow(models.Model):
    """The time after which a milestone is released by itself, unless it is disputed."""

    class State(models.TextChoices):
        WAITING = "WAITING"  # for what it starts with
        RUNNING = "RUNNING"
        CLOSED = "CLOSED"

    milestone = models.OneToOneField(
        Milestone, on_delete=models.PROTECT, primary_key=True, related_name="window"
    )
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="windows")
    after = models.CharField(max_length=20)  # ISO 8601
    starts = models.CharField(max_length=9, choices=Starts.choices)
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    ends_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)  # when to look: reminder, end, has it come about
    tries = models.PositiveSmallIntegerField(default=0)
    closed_because = models.CharField(max_length=20, blank=True)
    objects = WindowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state="RUNNING")
                | models.Q(ends_at__isnull=False, next_at__isnull=False),
                name="release_window_runs_to_an_end",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_at"], condition=models.Q(state="RUNNING"), name="release_window_due"
            )
        ]
        triggers: ClassVar = [guard("release_window_edges", "state", WINDOW_EDGES)]

    def __str__(self) -> str:
        return f"{self.after} from {self.starts}"

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return parse_duration(self.after)

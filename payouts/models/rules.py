"""Where a marketplace's money may go, and how much of it."""

import functools
from datetime import timedelta
from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models

from offerhub.core.clock import ProductNow
from offerhub.core.db import AmountField, PublicIdField
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import User

policy_id = functools.partial(new_id, "pol")
saved_destination_id = functools.partial(new_id, "dst")


class MemoType(models.TextChoices):
    """The kinds of memo that exchanges and custodians ask for."""

    TEXT = "text"  # at most 28 bytes
    ID = "id"  # an unsigned 64-bit number, in decimal
    HASH = "hash"  # 32 bytes, in hexadecimal


class PayoutPolicy(models.Model):
    """What a marketplace allows its withdrawals; without a row everything but the defaults.

    Limits in stroops of USDC, 0 is none. A day is the last 24 hours of the product's clock.
    """

    id = PublicIdField(primary_key=True, default=policy_id, editable=False)
    marketplace = models.OneToOneField(
        Marketplace, on_delete=models.PROTECT, related_name="payout_policy"
    )
    most = AmountField(default=0)  # of one withdrawal
    most_user_day = AmountField(default=0)
    most_day = AmountField(default=0)  # of the marketplace
    paused = models.BooleanField(default=False)
    address_book_only = models.BooleanField(default=False)
    # Until a new address of the book may be paid; empty is the installation's own.
    cooling_hours = models.PositiveIntegerField(null=True)
    version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "payout policies"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(most__gte=0, most_user_day__gte=0, most_day__gte=0),
                name="payout_policy_limits_not_negative",
            )
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def cooling(self) -> timedelta:
        """How long a new address of the book waits."""
        own = self.cooling_hours
        return timedelta(hours=settings.ADDRESS_COOLING_HOURS if own is None else own)


class SavedDestination(models.Model):
    """An address of a user's book, with a name. Another memo is another address: what can be paid
    never changes, the database refuses it."""

    id = PublicIdField(primary_key=True, default=saved_destination_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="saved_destinations")
    label = models.CharField(max_length=100)
    address = models.CharField(max_length=69, db_collation="C")  # G…, or M… (muxed)
    memo_type = models.CharField(max_length=4, choices=MemoType.choices, blank=True)
    memo = models.CharField(max_length=64, blank=True)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=ProductNow())
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "address", "memo_type", "memo"],
                condition=models.Q(archived_at=None),
                name="saved_destination_once",
            ),
            models.CheckConstraint(
                condition=models.Q(memo="", memo_type="")
                | ~models.Q(memo="") & ~models.Q(memo_type=""),
                name="saved_destination_memo_has_a_type",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["user", "-id"], name="saved_by_user")]
        triggers: ClassVar = [
            pgtrigger.ReadOnly(
                name="saved_destination_intent",
                fields=["marketplace", "user", "address", "memo_type", "memo", "created_at"],
            )
        ]

    def __str__(self) -> str:
        return self.label

"""The tenants, the keys their servers call with, and the staff who sit in the back-office."""

import functools
from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.db import models

from offerhub.core.db import PublicIdField
from offerhub.core.ids import new_id
from offerhub.marketplaces.roles import PERMISSIONS

key_id = functools.partial(new_id, "key")
marketplace_id = functools.partial(new_id, "mkt")
staff_id = functools.partial(new_id, "stf")


class RefundFees(models.TextChoices):
    """Who bears what a contract takes of money that goes back to the buyer."""

    BUYER = "BUYER"  # gets back what the contract paid
    MARKETPLACE = "MARKETPLACE"  # pays the rest from its platform wallet: the buyer loses nothing


class Marketplace(models.Model):
    """A tenant. Every row of every other table belongs to exactly one."""

    id = PublicIdField(primary_key=True, default=marketplace_id, editable=False)
    name = models.CharField(max_length=100)
    # Percent of each amount that leaves a contract, taken by the contract for the marketplace.
    # A whole number: the escrow provider takes integer percents only.
    platform_fee_percent = models.PositiveSmallIntegerField(default=0)
    # The most that an order may ask for instead; empty: no more than the marketplace's own fee.
    max_platform_fee_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    refund_fees_borne_by = models.CharField(
        max_length=11,
        choices=RefundFees.choices,
        default=RefundFees.BUYER,
        db_default=RefundFees.BUYER,
    )
    # {"after": "P7D", "from": "FUNDED"}: of orders that bring no release policy of their own.
    release_policy = models.JSONField(null=True, blank=True)
    version = models.PositiveIntegerField(default=0, db_default=0, editable=False)  # of its events
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(platform_fee_percent__lte=90), name="marketplace_fee_at_most_90"
            ),
            models.CheckConstraint(
                condition=models.Q(max_platform_fee_percent__isnull=True)
                | models.Q(
                    max_platform_fee_percent__gte=models.F("platform_fee_percent"),
                    max_platform_fee_percent__lte=90,
                ),
                name="marketplace_fee_within_its_maximum",
            ),
            models.CheckConstraint(
                condition=models.Q(refund_fees_borne_by__in=RefundFees.values),
                name="marketplace_refund_fees_borne_by_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def highest_fee_percent(self) -> int:
        """The most that an order of this marketplace may take."""
        if self.max_platform_fee_percent is None:
            return self.platform_fee_percent
        return self.max_platform_fee_percent

    @property
    def marketplace_id(self) -> str:
        """Itself, so that it can be the subject of events like every other row."""
        return self.id


class ApiKey(models.Model):
    """A key of a marketplace's server. The secret is shown once; only its digest is kept."""

    id = PublicIdField(primary_key=True, default=key_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=100)
    # `ohk_{test|live}_{prefix}_{secret}`: the prefix finds the row, the digest proves the secret.
    prefix = models.CharField(max_length=8, unique=True)
    digest = models.BinaryField(max_length=32)
    scopes = models.JSONField(default=list)
    version = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    def is_usable(self, at: datetime) -> bool:
        """Whether a call at this instant may use the key."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


class StaffUser(AbstractUser):
    """A person of the back-office. *User* alone means a buyer or seller."""

    public_id = PublicIdField(unique=True, default=staff_id, editable=False)

    class Meta:
        permissions = PERMISSIONS  # the rights of roles.py

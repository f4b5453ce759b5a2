"""Buyers and sellers of a marketplace, and the wallets that stand for them on the chain."""

import functools
from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Upper

from offerhub.chain.submission import Submission
from offerhub.core.clock import ProductNow
from offerhub.core.db import AmountField, PublicIdField
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace

user_id = functools.partial(new_id, "usr")
wallet_id = functools.partial(new_id, "wal")


class User(models.Model):
    """A buyer or seller. The marketplace knows them by `external_id`."""

    id = PublicIdField(primary_key=True, default=user_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="users")
    external_id = models.CharField(max_length=128)
    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=ProductNow())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["marketplace", "external_id"], name="user_external_id_once"
            )
        ]
        indexes: ClassVar = [
            # As the desk looks for an address, whatever its case.
            models.Index(Upper("email"), condition=~models.Q(email=""), name="user_by_email")
        ]

    def __str__(self) -> str:
        return self.external_id


class Wallet(models.Model):
    """An account on the chain. MANAGED: we keep the sealed key. EXTERNAL: the party signs itself.

    PLATFORM (fees, sponsoring), RESOLVER (settles disputes) and CHANNEL (sequence numbers and fees
    of payments that are made together; there are several) are the marketplace's own.
    """

    class Kind(models.TextChoices):
        MANAGED = "MANAGED"
        EXTERNAL = "EXTERNAL"
        PLATFORM = "PLATFORM"
        RESOLVER = "RESOLVER"
        CHANNEL = "CHANNEL"

    class Status(models.TextChoices):
        PENDING = "PENDING"
        ACTIVE = "ACTIVE"
        FAILED = "FAILED"

    id = PublicIdField(primary_key=True, default=wallet_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="wallets")
    user = models.OneToOneField(User, on_delete=models.PROTECT, null=True, related_name="wallet")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    address = models.CharField(max_length=56, unique=True, db_collation="C")
    # AES-256-GCM under a key-encryption key; bound to this marketplace and wallet.
    sealed_secret = models.BinaryField(null=True, editable=False)
    sealed_by = models.CharField(max_length=32, blank=True, editable=False)
    # The operation that is using the account's sequence number now, see Submission.claim.
    lane = PublicIdField(default="", editable=False)
    # Stroops of XLM that operations may still spend before the wallet is topped up.
    fee_budget = AmountField(default=0)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=ProductNow())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["marketplace", "kind"],
                condition=models.Q(kind__in=["PLATFORM", "RESOLVER"]),
                name="wallet_one_of_each_own_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="EXTERNAL") | models.Q(sealed_secret__isnull=False),
                name="wallet_managed_has_a_key",
            ),
        ]

    def __str__(self) -> str:
        return self.address


class WalletSubmission(Submission):
    """A submission whose source account is one of our wallets."""

    LANE = ("users_wallet", "source_wallet_id")
    LANE_CARRIES = ("address", "sealed_secret", "sealed_by")

    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    source_wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True

    @classmethod
    def claim(cls, row_id: str) -> Self | None:
        """See Submission.claim. The claimed row has its wallet at hand, enough of it to sign."""
        row = super().claim(row_id)
        if row is not None:
            row.source_wallet = Wallet(
                id=row.source_wallet_id,
                marketplace_id=row.marketplace_id,
                **{column: getattr(row, f"lane_{column}") for column in cls.LANE_CARRIES},
            )
        return row

"""What arrived on the chain, and how far the chain was read."""

import functools
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from offerhub.core.clock import ProductNow
from offerhub.core.db import AmountField, PublicIdField
from offerhub.core.fsm import guard
from offerhub.core.ids import new_id
from offerhub.deposits.querysets import DepositQuerySet
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import User, Wallet

deposit_id = functools.partial(new_id, "dep")

# What the chain said of a movement. It never changes; a trigger refuses it.
FACTS = [
    "marketplace",
    "network",
    "operation",
    "index",
    "address",
    "holder",
    "asset_code",
    "asset_issuer",
    "amount",
    "sender",
    "muxed_id",
    "tx_hash",
    "ledger",
    "closed_at",
]

# A person may give suspended money to a user or send it back; nothing takes a credit back.
DEPOSIT_EDGES = {"SUSPENSE": ["CREDITED", "RETURNED"]}


class Deposit(models.Model):
    """One movement of an asset from outside to one of our wallets or contracts.

    `network`, `operation`, `address`, asset and `index` name the movement for ever, wherever it
    was read. In SUSPENSE it is in the books but nobody's: `reason` says why, and a person decides.
    """

    class Status(models.TextChoices):
        CREDITED = "CREDITED"
        SUSPENSE = "SUSPENSE"
        RETURNED = "RETURNED"

    class Holder(models.TextChoices):
        WALLET = "wallet"
        CONTRACT = "contract"

    class Reason(models.TextChoices):
        """Why it is not simply a user's money."""

        NONE = ""
        WRONG_ASSET = "wrong_asset"
        WRONG_ISSUER = "wrong_issuer"  # the right code, somebody else's promise
        NATIVE_ASSET = "native_asset"
        OWN_WALLET = "own_wallet"  # to the marketplace itself, which has no balance with us
        UNKNOWN_MUXED = "unknown_muxed"  # the same, meant for a part of it that we do not know
        CONTRACT_DUST = "contract_dust"  # sent past an escrow's own funding; leaves with it
        PLATFORM_CAPITAL = "platform_capital"  # fee money that the marketplace put in (CREDITED)

    id = PublicIdField(primary_key=True, default=deposit_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="deposits")
    network = models.CharField(max_length=16)  # with its history, see ChainCursor
    operation = models.CharField(max_length=20, db_collation="C")
    index = models.PositiveIntegerField()
    address = models.CharField(max_length=56, db_collation="C")
    holder = models.CharField(max_length=8, choices=Holder.choices)
    asset_code = models.CharField(max_length=12)
    asset_issuer = models.CharField(max_length=56, blank=True)
    amount = AmountField()
    status = models.CharField(max_length=10, choices=Status.choices)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    sender = models.CharField(max_length=69, blank=True)  # empty: minted by the issuer
    # The muxed id or memo that the payment carried. One wallet is one user: it routes nothing.
    muxed_id = models.CharField(max_length=64, blank=True)
    tx_hash = models.CharField(max_length=64, db_collation="C")
    ledger = models.PositiveBigIntegerField()
    closed_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)
    recorded_at = models.DateTimeField(db_default=ProductNow())

    objects = DepositQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["network", "operation", "address", "asset_code", "asset_issuer", "index"],
                name="deposit_movement_once",
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="deposit_positive"),
            models.CheckConstraint(
                condition=~models.Q(status="SUSPENSE") | ~models.Q(reason=""),
                name="deposit_suspense_says_why",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="CREDITED")
                | models.Q(user__isnull=False)
                | models.Q(reason="platform_capital"),
                name="deposit_credited_to_somebody",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["marketplace", "-id"], name="deposit_newest_first"),
            models.Index(fields=["user", "-id"], name="deposit_by_user"),
            models.Index(
                fields=["marketplace", "-id"],
                condition=models.Q(status="SUSPENSE"),
                name="deposit_in_suspense",
            ),
            models.Index(fields=["tx_hash"], name="deposit_by_hash"),
        ]
        triggers: ClassVar = [
            guard("deposit_edges", "status", DEPOSIT_EDGES),
            pgtrigger.ReadOnly(name="deposit_facts", fields=FACTS),
            pgtrigger.Protect(name="deposit_stays", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def source(self) -> str:
        """The name of this fact in the books: the entry with this source booked it."""
        return source_of(
            self.network,
            self.operation,
            self.address,
            (self.asset_code, self.asset_issuer),
            self.index,
        )


def source_of(
    network: str, operation: str, address: str, asset: tuple[str, str], index: int
) -> str:
    """`deposit:{network}:{operation}:{address}:{asset}:{index}`."""
    name = ":".join(part for part in asset if part)
    return f"deposit:{network}:{operation}:{address}:{name}:{index}"


def history_name(network: str, history: int) -> str:
    """`testnet`; after its first reset `testnet.2`."""
    return network if history == 1 else f"{network}.{history}"


class ChainCursor(models.Model):
    """How far the token contracts' events were read: one row per network, for all wallets.

    It commits together with what was read up to it. Whoever writes a page locks it first.
    """

    class State(models.TextChoices):
        FOLLOWING = "FOLLOWING"
        HALTED = "HALTED"  # the network is not the one we followed; a person must decide

    network = models.CharField(max_length=10, primary_key=True)
    # Test networks are reset and number their ledgers anew: what was seen before and after is
    # told apart by counting the histories.
    history = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.FOLLOWING)
    problem = models.CharField(max_length=300, blank=True)  # why it is halted
    # Where to go on: behind this event, or at the start of `ledger` when it is empty.
    cursor = models.CharField(max_length=64, blank=True)
    ledger = models.PositiveBigIntegerField()
    latest_ledger = models.PositiveBigIntegerField(default=0)  # the network's own, when last asked
    # A ledger behind us. The same number with another hash or time is another history.
    witness_ledger = models.PositiveBigIntegerField(default=0)
    witness_hash = models.CharField(max_length=64, blank=True)
    witness_closed_at = models.DateTimeField(null=True)
    # Since when every wallet is being read through Horizon, because the events before ledger
    # `gap_until` were not kept. Empty when all were read.
    gap_since = models.DateTimeField(null=True)
    gap_until = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.network} at ledger {self.ledger}"

    @property
    def full_name(self) -> str:
        """The network and which of its histories."""
        return history_name(self.network, self.history)


class QuarantinedEvent(models.Model):
    """Something on the chain that could not be read or booked. It does not hold up the others."""

    id = models.BigAutoField(primary_key=True)
    network = models.CharField(max_length=16)
    event = models.CharField(max_length=160, db_collation="C")  # the chain's own name of it
    ledger = models.PositiveBigIntegerField(default=0)
    tx_hash = models.CharField(max_length=64, blank=True)
    problem = models.CharField(max_length=300)
    raw = models.TextField(blank=True)  # shortened
    seen_at = models.DateTimeField(db_default=Now())
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "event"], name="quarantined_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["network", "id"],
                condition=models.Q(resolved_at=None),
                name="quarantined_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.event}: {self.problem}"


class WalletScan(models.Model):
    """How far one wallet's own history was read through Horizon, and when it is read again.

    The second pair of eyes: it fills the gap when the events of a long outage are gone, and sees
    assets that the followed contracts do not show.
    """

    wallet = models.OneToOneField(
        Wallet, on_delete=models.CASCADE, primary_key=True, related_name="scan"
    )
    cursor = models.CharField(max_length=64, blank=True)  # empty: from the account's first day
    due_at = models.DateTimeField(db_default=Now())
    scanned_at = models.DateTimeField(null=True)  # when its end was last reached
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["due_at"], name="wallet_scan_due")]

    def __str__(self) -> str:
        return str(self.wallet_id)

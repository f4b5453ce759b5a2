"""What somebody set aside on the chain for one of our wallets, and the claims of it."""

import functools
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from offerhub.chain.submission import LIVE, Status
from offerhub.core.clock import ProductNow
from offerhub.core.db import AmountField, PublicIdField
from offerhub.core.fsm import guard
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import Wallet, WalletSubmission

balance_id = functools.partial(new_id, "clb")

# What the chain said of a balance. It never changes; a trigger refuses it.
FACTS = [
    *("marketplace", "wallet", "network", "balance_id", "asset_code", "asset_issuer", "amount"),
    *("sponsor", "predicate", "ledger"),
]
EDGES = {
    "PENDING": ["CLAIMING", "REFUSED"],
    "CLAIMING": ["CLAIMED", "GONE", "PENDING", "REFUSED"],
    "REFUSED": ["CLAIMING"],
}


class ClaimableBalance(models.Model):
    """One claimable balance with one of our wallets as claimant; `amount` in stroops.

    It is in no book: the money is ours when it was claimed, and is then a deposit like others.
    """

    class State(models.TextChoices):
        PENDING = "PENDING"  # to be claimed at `due_at`
        CLAIMING = "CLAIMING"
        CLAIMED = "CLAIMED"
        GONE = "GONE"  # somebody else claimed it first, or who made it took it back
        REFUSED = "REFUSED"  # not claimed by itself: `reason`

    class Reason(models.TextChoices):
        """Why it is not claimed by itself."""

        NONE = ""
        WRONG_ASSET = "wrong_asset"
        WRONG_ISSUER = "wrong_issuer"  # the right code, somebody else's promise
        NATIVE_ASSET = "native_asset"
        TOO_SMALL = "too_small"
        TOO_LATE = "too_late"  # its time is over
        UNREADABLE = "unreadable"  # its conditions are of a form that is not known
        FAILED = "failed"  # the claim was refused: its operation says why

    id = PublicIdField(primary_key=True, default=balance_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="claimable_balances")
    network = models.CharField(max_length=16)  # with its history, see ChainCursor
    balance_id = models.CharField(max_length=72, db_collation="C")  # the chain's own name of it
    asset_code = models.CharField(max_length=12)
    asset_issuer = models.CharField(max_length=56, blank=True)
    amount = AmountField()
    sponsor = models.CharField(max_length=56, blank=True)  # who made it, as a rule
    predicate = models.JSONField()  # when the wallet may claim, in Horizon's words
    ledger = models.PositiveBigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices)
    reason = models.CharField(max_length=16, choices=Reason.choices, blank=True)
    due_at = models.DateTimeField(null=True)  # by the product's clock; of a PENDING one
    version = models.PositiveIntegerField(default=1)
    seen_at = models.DateTimeField(db_default=ProductNow())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["network", "balance_id", "wallet"], name="claimable_balance_once"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="claimable_balance_positive"),
            models.CheckConstraint(
                condition=~Q(state="REFUSED") | ~Q(reason=""), name="claimable_refused_says_why"
            ),
            models.CheckConstraint(
                condition=~Q(state="PENDING") | Q(due_at__isnull=False),
                name="claimable_pending_is_due",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"], condition=Q(state="PENDING"), name="claimable_balance_due"
            ),
            models.Index(
                fields=["id"],
                condition=Q(state__in=["PENDING", "CLAIMING", "REFUSED"]),
                name="claimable_balance_open",
            ),
            models.Index(fields=["wallet", "state"], name="claimable_balance_wallet"),
        ]
        triggers: ClassVar = [
            guard("claimable_balance_edges", "state", EDGES),
            pgtrigger.ReadOnly(name="claimable_balance_facts", fields=FACTS),
            pgtrigger.Protect(name="claimable_balance_stays", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.id


class Claim(WalletSubmission):
    """One claim of a whole balance, signed by the wallet that it is for.

    A balance has at most one claim that is live or done; one that failed may be followed by
    another.
    """

    KIND = "CLAIM"

    balance = models.ForeignKey(ClaimableBalance, on_delete=models.PROTECT, related_name="claims")
    actor = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["balance"],
                condition=Q(status__in=[*LIVE, Status.CONFIRMED]),
                name="balance_claimed_once",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(status__in=LIVE), name="claim_due"
            ),
            models.Index(fields=["-id"], condition=Q(status="FAILED"), name="claim_failed"),
            models.Index(fields=["hash"], condition=~Q(hash=""), name="claim_by_hash"),
        ]
        triggers: ClassVar = [
            pgtrigger.ReadOnly(
                name="claim_intent",
                fields=["marketplace", "balance", "actor", "source_wallet"],
            ),
            pgtrigger.Protect(name="claim_stays", operation=pgtrigger.Delete),
        ]


class ClaimWatch(models.Model):
    """How far what there is to claim was listed for one wallet, and when it is looked at again."""

    wallet = models.OneToOneField(
        Wallet, on_delete=models.CASCADE, primary_key=True, related_name="claim_watch"
    )
    network = models.CharField(max_length=16, blank=True)  # whose cursor it is, with its history
    cursor = models.CharField(max_length=100, blank=True)
    due_at = models.DateTimeField(db_default=Now())
    asked_at = models.DateTimeField(null=True)  # Horizon, the last time: what the budget counts
    skipped = models.PositiveIntegerField(default=0)  # that were not listed, being too many
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="claim_watch_due"),
            models.Index(fields=["asked_at"], name="claim_watch_asked"),
        ]

    def __str__(self) -> str:
        return str(self.wallet_id)

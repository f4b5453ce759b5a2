"""Operations on wallets themselves. They stand above the ledger, which books what they cost."""

from typing import ClassVar

from django.db import models

from offerhub.chain.submission import LIVE
from offerhub.users.models import Wallet, WalletSubmission


class WalletOperation(WalletSubmission):
    """Bringing a wallet to life on the chain, and giving it fee money."""

    class Kind(models.TextChoices):
        BOOTSTRAP = "BOOTSTRAP"  # the marketplace's platform wallet: trustline, paid by itself
        ACTIVATE = "ACTIVATE"  # sponsored account, trustline, first fee money
        TOP_UP = "TOP_UP"  # more fee money from the platform wallet

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="operations")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["wallet"],
                condition=models.Q(status__in=LIVE),
                name="wallet_one_live_operation",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(status__in=LIVE),
                name="wallet_operation_due",
            ),
            models.Index(
                fields=["-id"], condition=models.Q(status="FAILED"), name="wallet_operation_failed"
            ),
            models.Index(
                fields=["hash"], condition=~models.Q(hash=""), name="wallet_operation_by_hash"
            ),
        ]

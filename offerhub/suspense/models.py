"""The payment that clears a deposit in suspense: to a user's wallet, or back to its sender."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from offerhub.chain.submission import LIVE, Status
from offerhub.core.db import AmountField
from offerhub.deposits.models import Deposit
from offerhub.users.models import User, WalletSubmission


class Clearance(WalletSubmission):
    """One payment of a whole deposit out of the wallet that received it. `amount` in stroops.

    What was decided never changes. A deposit has at most one clearance that is live or done, so
    it is never cleared twice; one that failed for good may be followed by another decision.
    """

    class Kind(models.TextChoices):
        ASSIGN = "ASSIGN"  # to a user of the marketplace, who is credited
        RETURN = "RETURN"  # back to where it came from

    deposit = models.ForeignKey(Deposit, on_delete=models.PROTECT, related_name="clearances")
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    destination = models.CharField(max_length=69, db_collation="C")
    amount = AmountField()
    reason = models.CharField(max_length=500)
    actor = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["deposit"],
                condition=Q(status__in=[*LIVE, Status.CONFIRMED]),
                name="deposit_cleared_once",
            ),
            models.CheckConstraint(
                condition=Q(kind="ASSIGN", user__isnull=False)
                | Q(kind="RETURN", user__isnull=True),
                name="clearance_to_a_user_or_back",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="clearance_amount_positive"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status__in=LIVE),
                name="clearance_due",
            ),
            models.Index(fields=["-id"], condition=Q(status="FAILED"), name="clearance_failed"),
            models.Index(fields=["hash"], condition=~Q(hash=""), name="clearance_by_hash"),
        ]
        triggers: ClassVar = [
            pgtrigger.ReadOnly(
                name="clearance_intent",
                fields=[
                    *("marketplace", "deposit", "kind", "user", "destination", "amount"),
                    *("reason", "actor", "source_wallet"),
                ],
            ),
            pgtrigger.Protect(name="clearance_stays", operation=pgtrigger.Delete),
        ]

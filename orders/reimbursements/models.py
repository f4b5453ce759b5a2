"""The payment that makes a refund whole, where the marketplace bears its fees."""

from typing import ClassVar, Self

import pgtrigger
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from offerhub.chain.submission import LIVE, Status
from offerhub.core.db import AmountField
from offerhub.users.models import WalletSubmission


class ReimbursementQuerySet(models.QuerySet["Reimbursement"]):
    """Reimbursements."""

    def need_an_eye(self) -> Self:
        """Those that wait for something on our side, such as money on the platform wallet, and
        those that failed for good and were not followed by another."""
        others = Reimbursement.objects.filter(milestone=OuterRef("milestone"))
        followed = Exists(others.exclude(status=Status.FAILED))
        waits = Q(status__in=LIVE, problem__isnull=False)
        return self.filter(waits | (Q(status=Status.FAILED) & ~followed))


class Reimbursement(WalletSubmission):
    """What the buyer lost to fees when a milestone went back to them, paid from the marketplace's
    platform wallet. Amounts in stroops; `amount` is both fees together.

    A milestone is settled once, and has at most one reimbursement that is live or done; one that
    failed for good (the buyer's wallet can not take it) may be asked for again.
    """

    KIND = "REIMBURSE"

    order = models.ForeignKey(
        "orders.Order", on_delete=models.PROTECT, related_name="reimbursements"
    )
    milestone = models.ForeignKey(
        "orders.Milestone", on_delete=models.PROTECT, related_name="reimbursements"
    )
    destination = models.CharField(max_length=56, db_collation="C")
    amount = AmountField()
    platform_fee = AmountField()  # of it: earned by the marketplace, and given back
    protocol_fee = AmountField()  # of it: taken by the escrow provider, and borne
    objects = ReimbursementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["milestone"],
                condition=Q(status__in=[*LIVE, Status.CONFIRMED]),
                name="milestone_reimbursed_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    amount=F("platform_fee") + F("protocol_fee"),
                    amount__gt=0,
                    platform_fee__gte=0,
                    protocol_fee__gte=0,
                ),
                name="reimbursement_is_its_fees",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status__in=LIVE),
                name="reimbursement_due",
            ),
            models.Index(fields=["-id"], condition=Q(status="FAILED"), name="reimbursement_failed"),
            models.Index(fields=["hash"], condition=~Q(hash=""), name="reimbursement_by_hash"),
        ]
        triggers: ClassVar = [
            pgtrigger.ReadOnly(
                name="reimbursement_intent",
                fields=[
                    *("marketplace", "order", "milestone", "source_wallet", "destination"),
                    *("amount", "platform_fee", "protocol_fee"),
                ],
            ),
            pgtrigger.Protect(name="reimbursement_stays", operation=pgtrigger.Delete),
        ]

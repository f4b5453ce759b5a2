"""Withdrawals, and the payments that carry them to an address outside."""

import functools
from typing import ClassVar

import pgtrigger
from django.db import models, transaction
from django_fsm import FSMField, transition

from offerhub.approvals.models import Proposal
from offerhub.chain.submission import LIVE
from offerhub.chain.types import Envelope
from offerhub.core.actor import system
from offerhub.core.clock import ProductNow
from offerhub.core.db import AmountField, PublicIdField
from offerhub.core.fsm import guard
from offerhub.core.ids import new_id
from offerhub.events import services as events
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import User, WalletSubmission
from payouts.models.batches import Batch
from payouts.models.rules import MemoType, SavedDestination
from payouts.querysets import WithdrawalQuerySet
from payouts.states import WITHDRAWAL_EDGES, WithdrawalStatus

withdrawal_id = functools.partial(new_id, "wdr")

_W = WithdrawalStatus


class Withdrawal(models.Model):
    """A user's money on its way to an address outside. `amount` in stroops of USDC.

    What was asked (whose money, how much, where to, under which memo) never changes: the database
    refuses it, so that nobody can redirect a payment that waits for its turn.
    """

    id = PublicIdField(primary_key=True, default=withdrawal_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    external_ref = models.CharField(max_length=128, null=True)  # noqa: DJ001 (unique when given)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="withdrawals")
    # Over the limit: what a person of the desk must approve before there is any payment.
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, null=True, related_name="+")
    # Of a batch: then it is paid together with others (BatchPayment) and has no attempts.
    batch = models.ForeignKey(
        Batch, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    # The entry of the user's address book that was named or found.
    saved = models.ForeignKey(
        SavedDestination, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    amount = AmountField()
    destination = models.CharField(max_length=69, db_collation="C")  # G…, or M… (muxed)
    memo_type = models.CharField(max_length=4, choices=MemoType.choices, blank=True)
    memo = models.CharField(max_length=64, blank=True)
    status = FSMField(default=_W.REQUESTED, choices=WithdrawalStatus.choices, protected=True)
    # Of the transaction that is in a ledger: the payment itself, or the last one that failed.
    hash = models.CharField(max_length=64, blank=True)
    fee = AmountField(default=0)  # stroops of XLM that the network charged for all attempts
    problem = models.JSONField(null=True)  # {"code", "detail"}: why it failed
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=ProductNow())
    updated_at = models.DateTimeField(auto_now=True)

    objects = WithdrawalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["marketplace", "external_ref"], name="withdrawal_ref_once"
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0), name="withdrawal_amount_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(memo="", memo_type="")
                | ~models.Q(memo="") & ~models.Q(memo_type=""),
                name="withdrawal_memo_has_a_type",
            ),
            models.CheckConstraint(
                condition=~models.Q(status=_W.COMPLETED) | ~models.Q(hash=""),
                name="withdrawal_completed_by_a_transaction",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["marketplace", "-id"], name="withdrawal_newest_first"),
            models.Index(fields=["marketplace", "status", "-id"], name="withdrawal_by_status"),
            models.Index(fields=["user", "-id"], name="withdrawal_by_user"),
            # What left or is about to leave in a day, for the limits: read from the index alone.
            models.Index(
                fields=["marketplace", "created_at"],
                include=["amount", "user", "status"],
                name="withdrawal_of_a_day",
            ),
            models.Index(
                fields=["batch", "-id"],
                condition=models.Q(batch__isnull=False),
                name="withdrawal_of_batch",
            ),
        ]
        triggers: ClassVar = [
            guard("withdrawal_edges", "status", WITHDRAWAL_EDGES),
            pgtrigger.ReadOnly(
                name="withdrawal_intent",
                fields=[
                    "marketplace",
                    "user",
                    "proposal",
                    "batch",
                    "saved",
                    "amount",
                    "destination",
                    "memo_type",
                    "memo",
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.id

    @transition(field=status, source=_W.REQUESTED, target=_W.SUBMITTED)
    def submit(self) -> None:
        """An envelope is signed and kept: from here on only the chain decides."""

    @transition(field=status, source=_W.SUBMITTED, target=_W.COMPLETED)
    def complete(self) -> None:
        """The payment is in a ledger."""

    @transition(field=status, source=[_W.REQUESTED, _W.SUBMITTED], target=_W.FAILED)
    def fail(self) -> None:
        """Proven: the payment did not happen and can not happen any more."""

    @transition(field=status, source=_W.REQUESTED, target=_W.CANCELLED)
    def cancel(self) -> None:
        """Called back before anything was signed."""


class WithdrawalAttempt(WalletSubmission):
    """The payment of one withdrawal, from the user's own wallet."""

    KIND = "PAYMENT"

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="attempts")

    class Meta:
        constraints = [
            # A withdrawal is never paid by two operations at once.
            models.UniqueConstraint(
                fields=["withdrawal"],
                condition=models.Q(status__in=LIVE),
                name="withdrawal_one_live_attempt",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(status__in=LIVE),
                name="withdrawal_attempt_due",
            ),
            models.Index(
                fields=["-id"],
                condition=models.Q(status="FAILED"),
                name="withdrawal_attempt_failed",
            ),
            models.Index(
                fields=["hash"], condition=~models.Q(hash=""), name="withdrawal_attempt_by_hash"
            ),
        ]

    def keep_envelope(self, envelope: Envelope, signed_xdr: str) -> bool:
        """Keep it; with the first one the withdrawal is SUBMITTED, in the same transaction.

        So REQUESTED means that nothing signed exists that could ever be sent, and cancelling then
        is safe whatever the runner is doing: it loses its lease, and what it signed is not kept.
        """
        with transaction.atomic():
            if not super().keep_envelope(envelope, signed_xdr):
                return False
            if self.attempts == 1:
                withdrawal = Withdrawal.objects.select_for_update().get(pk=self.withdrawal_id)
                withdrawal.submit()
                events.record(
                    withdrawal,
                    "withdrawal.submitted",
                    actor=system("payouts", self.request_id),
                    payload={
                        "status": withdrawal.status,
                        "operationId": self.id,
                        "hash": self.hash,
                    },
                )
                withdrawal.save(update_fields=["status", "version", "updated_at"])
        return True

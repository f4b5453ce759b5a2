"""Many withdrawals asked for at once, and the transactions that pay many of them."""

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import pgtrigger
from django.db import models, transaction
from django.db.models.functions import Now
from django_fsm import FSMField, transition

from offerhub.approvals.models import Proposal
from offerhub.chain.submission import LIVE
from offerhub.chain.types import Envelope
from offerhub.core.actor import Actor
from offerhub.core.clock import ProductNow
from offerhub.core.db import AmountField, PublicIdField
from offerhub.core.fsm import guard
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import WalletSubmission
from payouts.models.rules import MemoType
from payouts.states import BATCH_EDGES, ITEM_EDGES, BatchStatus, ItemState

batch_id = functools.partial(new_id, "wba")

_B, _I = BatchStatus, ItemState
MOST_TOGETHER = 100  # payments in one transaction


class Batch(models.Model):
    """A list of withdrawals that were asked for together. Each of its items has its own end."""

    id = PublicIdField(primary_key=True, default=batch_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    external_ref = models.CharField(max_length=128, null=True)  # noqa: DJ001 (unique when given)
    # Of the desk's upload: what a second person agreed to.
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, null=True, related_name="+")
    # Who asked, in whose name its withdrawals are requested.
    asked_by = models.CharField(max_length=80)
    request_id = models.CharField(max_length=64, blank=True)
    size = models.PositiveSmallIntegerField()
    status = FSMField(default=_B.RECEIVED, choices=BatchStatus.choices, protected=True)
    # Nobody else checks its items before that: a lease, and then the next look.
    look_at = models.DateTimeField(db_default=Now())
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=ProductNow())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "batches"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["marketplace", "external_ref"], name="batch_ref_once"),
            models.CheckConstraint(condition=models.Q(size__gt=0), name="batch_has_items"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["marketplace", "-id"], name="batch_newest_first"),
            models.Index(
                fields=["look_at"], condition=~models.Q(status=_B.FINISHED), name="batch_due"
            ),
        ]
        triggers: ClassVar = [
            guard("batch_edges", "status", BATCH_EDGES),
            pgtrigger.ReadOnly(name="batch_intent", fields=["marketplace", "proposal", "size"]),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def asker(self) -> Actor:
        """Who asked for it."""
        return Actor.parse(self.asked_by, self.request_id)

    @transition(field=status, source=_B.RECEIVED, target=_B.PAYING)
    def pay(self) -> None:
        """Every item is checked: those that are good wait for their payment."""

    @transition(field=status, source=_B.PAYING, target=_B.FINISHED)
    def finish(self) -> None:
        """Every item has its end."""


class BatchPayment(WalletSubmission):
    """One transaction of many withdrawals. Its source is a channel account, which gives the
    sequence number and the fee; each payment's source is the user's own wallet.

    The withdrawals that it carries are the items that name it. They are the same from its making
    to its end: when one must leave, the payment ends and the others go into another one.
    """

    KIND = "BATCH_PAYMENT"
    # By place, who can not be paid in it, as the run that is building it found: code and detail.
    blamed: Mapping[int, tuple[str, str]] = MappingProxyType({})

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source_wallet"],
                condition=models.Q(status__in=LIVE),
                name="batch_payment_one_of_a_channel",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(status__in=LIVE),
                name="batch_payment_due",
            ),
            models.Index(
                fields=["-id"], condition=models.Q(status="FAILED"), name="batch_payment_failed"
            ),
            models.Index(
                fields=["hash"], condition=~models.Q(hash=""), name="batch_payment_by_hash"
            ),
        ]

    def keep_envelope(self, envelope: Envelope, signed_xdr: str) -> bool:
        """Keep it; with its first one its withdrawals are SUBMITTED, in the same transaction."""
        from payouts.carrying import submitted

        with transaction.atomic():
            if not super().keep_envelope(envelope, signed_xdr):
                return False
            if self.attempts == 1:
                submitted(self)
        return True


class BatchItem(models.Model):
    """One line of a batch: as it was asked for, then the withdrawal or why there is none, then the
    payment that carries it. `amount` in stroops of USDC."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="items")
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    user_ref = models.CharField(max_length=128)
    amount = AmountField()
    destination = models.CharField(max_length=69, blank=True)
    destination_id = models.CharField(max_length=64, blank=True)  # of the user's address book
    memo_type = models.CharField(max_length=4, choices=MemoType.choices, blank=True)
    memo = models.CharField(max_length=64, blank=True)
    external_ref = models.CharField(max_length=128, blank=True)
    state = models.CharField(max_length=8, choices=ItemState.choices, default=_I.CHECKING)
    withdrawal = models.OneToOneField(
        "payouts.Withdrawal", on_delete=models.PROTECT, null=True, related_name="item"
    )
    # {"code", "detail", …}: why it was refused, or what its payment waits for.
    problem = models.JSONField(null=True)
    # The transaction that carries it; when that ended without it, null or the next one.
    payment = models.ForeignKey(
        BatchPayment, on_delete=models.PROTECT, null=True, related_name="items"
    )
    place = models.PositiveSmallIntegerField(null=True)  # its operation there, from 0
    # How many its next transaction may hold: halved when one failed and nobody was named.
    together = models.PositiveSmallIntegerField(default=MOST_TOGETHER)
    setbacks = models.PositiveSmallIntegerField(default=0)  # payments that ended because of it
    due_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["batch", "position"], name="batch_item_once"),
            models.UniqueConstraint(fields=["payment", "place"], name="batch_item_in_its_place"),
            models.CheckConstraint(
                condition=models.Q(state__in=[_I.CHECKING, _I.REFUSED], withdrawal=None)
                | ~models.Q(state__in=[_I.CHECKING, _I.REFUSED]) & ~models.Q(withdrawal=None),
                name="batch_item_good_with_a_withdrawal",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=_I.CARRIED)
                | ~models.Q(payment=None) & ~models.Q(place=None),
                name="batch_item_carried_by_a_payment",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["marketplace", "id"],
                condition=models.Q(state=_I.READY),
                name="batch_item_ready",
            ),
        ]
        triggers: ClassVar = [
            guard("batch_item_edges", "state", ITEM_EDGES),
            pgtrigger.ReadOnly(
                name="batch_item_intent",
                fields=[
                    "batch",
                    "marketplace",
                    "position",
                    "user_ref",
                    "amount",
                    "destination",
                    "destination_id",
                    "memo_type",
                    "memo",
                    "external_ref",
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.position}"

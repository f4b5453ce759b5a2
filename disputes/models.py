"""Disputes: who complains of what, what both sides say and show, and what was decided.

A dispute ends at the human decision. The money is the order's: `orders` freezes and divides it.
"""

import functools
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from disputes.querysets import DisputeQuerySet
from disputes.states import DISPUTE_EDGES, OPEN_STATES, PARTIES, Decision, DisputeStatus, Party
from offerhub.core.clock import ProductNow
from offerhub.core.db import AmountField, PublicIdField
from offerhub.core.fsm import guard
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace, StaffUser
from orders.models import Milestone, Order

dispute_id = functools.partial(new_id, "dsp")
statement_id = functools.partial(new_id, "stm")
message_id = functools.partial(new_id, "msg")
note_id = functools.partial(new_id, "not")
evidence_id = functools.partial(new_id, "evd")

_D = DisputeStatus
PARTY_CHOICES = [(party.value, party.label) for party in PARTIES]


def append_only(name: str) -> pgtrigger.Protect:
    """What was said in a dispute is never changed."""
    return pgtrigger.Protect(name=name, operation=pgtrigger.Update | pgtrigger.Delete)


class Reason(models.Model):
    """A reason code, as data: why a dispute was opened, or why it was decided so."""

    class Use(models.TextChoices):
        OPENING = "OPENING"
        DECISION = "DECISION"

    code = models.CharField(primary_key=True, max_length=40)
    use = models.CharField(max_length=8, choices=Use.choices)
    label = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["use", "position", "code"]

    def __str__(self) -> str:
        return self.label


class Template(models.Model):
    """A text for both parties, with variables in braces that the case fills in:
    `{order} {milestones} {amount} {seller_amount} {buyer_amount} {reason}`."""

    reason = models.ForeignKey(Reason, on_delete=models.PROTECT, related_name="templates")
    title = models.CharField(max_length=80)
    text = models.TextField(max_length=2000)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["reason", "title"]

    def __str__(self) -> str:
        return self.title


class Dispute(models.Model):
    """One complaint about an order or some of its milestones, from opening to its end.

    `amount` is what is at stake, in stroops. Both clocks stand while `stopped_at` is set; their due
    times are moved on by as long as they stood. `version` counts its events: a page that was drawn
    at another version is stale.
    """

    id = PublicIdField(primary_key=True, default=dispute_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="disputes")
    opened_by = models.CharField(max_length=6, choices=PARTY_CHOICES)
    reason = models.CharField(max_length=500)
    category = models.ForeignKey(Reason, on_delete=models.PROTECT, null=True, related_name="+")
    description = models.TextField(max_length=4000, blank=True)
    status = FSMField(default=_D.OPEN, choices=DisputeStatus.choices, protected=True)
    amount = AmountField()
    assignee = models.ForeignKey(StaffUser, on_delete=models.PROTECT, null=True, related_name="+")
    # The service clocks.
    first_answer_due_at = models.DateTimeField()
    first_answered_at = models.DateTimeField(null=True)
    decision_due_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    waiting_for = models.CharField(max_length=6, choices=PARTY_CHOICES, blank=True)
    party_due_at = models.DateTimeField(null=True)  # when the party's time to answer is over
    # Who spoke last: a case is unread while the party's word is newer than the desk's.
    party_spoke_at = models.DateTimeField()
    staff_spoke_at = models.DateTimeField(null=True)
    # The present or last proposal (offerhub.approvals), and what was decided in it.
    proposal_id = PublicIdField(blank=True, default="")
    decision = models.CharField(max_length=7, choices=Decision.choices, blank=True)
    decision_reason = models.ForeignKey(
        Reason, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decision_text = models.TextField(max_length=2000, blank=True)
    conceded = models.BooleanField(default=False)  # its opener gave it up after the freeze
    problem = models.JSONField(
        null=True
    )  # {"code", "detail"} of a freeze or settlement that failed
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=ProductNow())
    closed_at = models.DateTimeField(null=True)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="dispute_amount_positive"),
            models.CheckConstraint(
                condition=Q(status=_D.WAITING_PARTY, stopped_at__isnull=False)
                | (~Q(status=_D.WAITING_PARTY) & Q(waiting_for="", party_due_at__isnull=True)),
                name="dispute_waits_for_somebody",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["marketplace", "-id"], name="dispute_newest_first"),
            models.Index(fields=["order", "-id"], name="dispute_by_order"),
            models.Index(
                fields=["status", "assignee", "decision_due_at"],
                condition=Q(status__in=OPEN_STATES),
                name="dispute_open",
            ),
            models.Index(fields=["-closed_at"], name="dispute_closed"),
        ]
        triggers: ClassVar = [guard("dispute_edges", "status", DISPUTE_EDGES)]

    def __str__(self) -> str:
        return self.id

    @property
    def is_open(self) -> bool:
        """Whether anything can still happen."""
        return self.status in OPEN_STATES

    @property
    def is_unread(self) -> bool:
        """Whether a party spoke after the desk did."""
        return self.staff_spoke_at is None or self.party_spoke_at > self.staff_spoke_at

    @transition(field=status, source=_D.OPEN, target=_D.UNDER_REVIEW)
    def take_up(self) -> None:
        """The desk looks at it."""

    @transition(field=status, source=_D.UNDER_REVIEW, target=_D.WAITING_PARTY)
    def ask(self) -> None:
        """A party must answer first."""

    @transition(field=status, source=_D.WAITING_PARTY, target=_D.UNDER_REVIEW)
    def answered(self) -> None:
        """They did, or their time is over."""

    @transition(field=status, source=_D.UNDER_REVIEW, target=_D.PROPOSED)
    def propose(self) -> None:
        """A resolution is on the table."""

    @transition(field=status, source=_D.PROPOSED, target=_D.SETTLING)
    def settle(self) -> None:
        """It was approved."""

    @transition(field=status, source=[_D.PROPOSED, _D.SETTLING], target=_D.UNDER_REVIEW)
    def review_again(self) -> None:
        """Not approved, or proven not to have been settled."""

    @transition(field=status, source=_D.SETTLING, target=_D.RESOLVED)
    def resolved(self) -> None:
        """The contract has paid everything that was decided."""

    @transition(field=status, source=[_D.OPEN, _D.UNDER_REVIEW, _D.SETTLING], target=_D.WITHDRAWN)
    def withdrawn(self) -> None:
        """Given up by who opened it."""


class DisputedMilestone(models.Model):
    """A milestone in a dispute, and the shares that were decided for it (stroops, before fees;
    zero until then). It is closed when its money was divided: later disputes are of others.
    """

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="milestones")
    milestone = models.ForeignKey(Milestone, on_delete=models.PROTECT, related_name="in_disputes")
    is_open = models.BooleanField(default=True)
    to_seller = AmountField(default=0)
    to_buyer = AmountField(default=0)

    class Meta:
        ordering: ClassVar = ["milestone__position"]
        constraints = [
            models.UniqueConstraint(
                fields=["milestone"], condition=Q(is_open=True), name="milestone_one_open_dispute"
            ),
            models.UniqueConstraint(fields=["dispute", "milestone"], name="dispute_milestone_once"),
        ]

    def __str__(self) -> str:
        return f"{self.dispute_id}/{self.milestone_id}"


class Statement(models.Model):
    """A party's account of the matter: a draft until it is submitted, then fixed for ever."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT"
        SUBMITTED = "SUBMITTED"

    id = PublicIdField(primary_key=True, default=statement_id, editable=False)
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="statements")
    party = models.CharField(max_length=6, choices=PARTY_CHOICES)
    text = models.TextField(max_length=8000)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.DRAFT)
    actor = models.CharField(max_length=80)
    created_at = models.DateTimeField(db_default=ProductNow())
    submitted_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["dispute", "party"],
                condition=Q(status="DRAFT"),
                name="statement_one_draft",
            )
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="statement_fixed",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__status="SUBMITTED"),
            )
        ]

    def __str__(self) -> str:
        return self.id


class Message(models.Model):
    """A line between a party and the desk. Both parties read all of them."""

    id = PublicIdField(primary_key=True, default=message_id, editable=False)
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="messages")
    sender = models.CharField(max_length=6, choices=Party.choices)
    text = models.TextField(max_length=4000)
    actor = models.CharField(max_length=80)
    created_at = models.DateTimeField(db_default=ProductNow())

    class Meta:
        ordering: ClassVar = ["id"]
        triggers: ClassVar = [append_only("message_fixed")]

    def __str__(self) -> str:
        return self.id


class Note(models.Model):
    """A word among staff; no party ever sees it."""

    id = PublicIdField(primary_key=True, default=note_id, editable=False)
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(StaffUser, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=4000)
    created_at = models.DateTimeField(db_default=ProductNow())

    class Meta:
        ordering: ClassVar = ["id"]
        triggers: ClassVar = [append_only("note_fixed")]

    def __str__(self) -> str:
        return self.id


class Evidence(models.Model):
    """A file that a party handed in, made clean before it was kept. Never changed."""

    id = PublicIdField(primary_key=True, default=evidence_id, editable=False)
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="evidence")
    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, null=True, related_name="evidence"
    )
    party = models.CharField(max_length=6, choices=Party.choices)
    kind = models.CharField(
        max_length=20
    )  # the media type's short name: png, jpeg, webp, pdf, text
    name = models.CharField(max_length=120)  # as the party called it, made harmless
    size = models.PositiveIntegerField()  # bytes of what is kept
    sha256 = models.CharField(max_length=64)  # of what is kept
    received_sha256 = models.CharField(max_length=64)  # of what was sent
    stored_as = models.CharField(max_length=100, unique=True)  # a random name in the storage
    preview_count = models.PositiveSmallIntegerField(default=0)
    actor = models.CharField(max_length=80)
    created_at = models.DateTimeField(db_default=ProductNow())

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name_plural = "evidence"
        triggers: ClassVar = [append_only("evidence_fixed")]

    def __str__(self) -> str:
        return self.name

"""What somebody proposed, and what a second person said to it."""

import functools
from typing import ClassVar

from django.db import models
from django_fsm import FSMField, transition

from offerhub.approvals.states import PROPOSAL_EDGES, ProposalStatus
from offerhub.core.db import AmountField, PublicIdField
from offerhub.core.fsm import guard
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace

proposal_id = functools.partial(new_id, "prp")
approval_id = functools.partial(new_id, "apv")

_S = ProposalStatus


class Proposal(models.Model):
    """One thing that somebody wants done with money. `amount` in stroops: the gross that moves.

    What was proposed never changes: `digest` is the SHA-256 over kind, marketplace, subject, its
    version, payload and amount, and an approval names the digest that it is for. The database
    keeps that (`sql/guards.sql`): nothing but the state moves, and to APPROVED only with the row
    of a second person where one is required.
    """

    Status = ProposalStatus

    id = PublicIdField(primary_key=True, default=proposal_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=40)  # `dispute_resolution`
    subject = PublicIdField()  # what it is about, such as a dispute
    subject_version = models.PositiveIntegerField()
    group = models.CharField(max_length=64, blank=True)  # what is summed up together: an order
    payload = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    amount = AmountField()
    proposer = models.CharField(max_length=80)  # the actor's text
    reason_code = models.CharField(max_length=40, blank=True)
    note = models.TextField(blank=True)
    status = FSMField(default=_S.OPEN, choices=ProposalStatus.choices, protected=True)
    required = models.PositiveSmallIntegerField()  # how many others must agree: 0 or 1
    why_required = models.CharField(max_length=200, blank=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    executed_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject"],
                condition=models.Q(status=_S.OPEN),
                name="proposal_one_open_per_subject",
            ),
            # For the key of the approval that names all three.
            models.UniqueConstraint(
                fields=["id", "proposer", "digest"], name="proposal_as_it_was_proposed"
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0), name="proposal_amount_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(required__lte=1), name="proposal_requires_at_most_one"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["expires_at"], condition=models.Q(status=_S.OPEN), name="proposal_open"
            ),
            models.Index(fields=["marketplace", "-id"], name="proposal_newest_first"),
            models.Index(fields=["kind", "status", "-id"], name="proposal_by_kind"),
            models.Index(fields=["subject", "-id"], name="proposal_of_subject"),
            # What was approved on the spot, which the rule adds up.
            models.Index(
                fields=["group"],
                condition=models.Q(status=_S.APPROVED, required=0),
                name="proposal_spot_of_group",
            ),
            models.Index(
                fields=["proposer", "created_at"],
                condition=models.Q(status=_S.APPROVED, required=0),
                name="proposal_spot_of_proposer",
            ),
        ]
        triggers: ClassVar = [guard("proposal_edges", "status", PROPOSAL_EDGES)]

    def __str__(self) -> str:
        return self.id

    @property
    def needs_approval(self) -> bool:
        """Whether a second person must agree, or had to."""
        return bool(self.required)

    @transition(field=status, source=_S.OPEN, target=_S.APPROVED)
    def approve(self) -> None:
        """A second person agrees."""

    @transition(field=status, source=_S.OPEN, target=_S.REJECTED)
    def reject(self) -> None:
        """A second person does not."""

    @transition(field=status, source=_S.OPEN, target=_S.WITHDRAWN)
    def withdraw(self) -> None:
        """Its proposer takes it back."""

    @transition(field=status, source=_S.OPEN, target=_S.EXPIRED)
    def expire(self) -> None:
        """Nobody decided in time."""


class Verdict(models.TextChoices):
    """What the second person said."""

    APPROVE = "APPROVE"
    REJECT = "REJECT"


class Approval(models.Model):
    """What a second person said to exactly one proposal, for ever. A composite key holds proposer
    and digest to the proposal's own, a CHECK keeps the proposer from being the approver."""

    id = PublicIdField(primary_key=True, default=approval_id, editable=False)
    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="approval")
    proposer = models.CharField(max_length=80)
    approver = models.CharField(max_length=80)
    verdict = models.CharField(max_length=7, choices=Verdict.choices)
    digest = models.CharField(max_length=64)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(approver=models.F("proposer")),
                name="approver_is_not_proposer",
            ),
            models.CheckConstraint(
                condition=models.Q(approver__startswith="staff:stf_"), name="approver_is_staff"
            ),
            models.CheckConstraint(
                condition=models.Q(verdict__in=["APPROVE", "REJECT"]), name="approval_verdict"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["approver", "-id"], name="approval_by_approver")]

    def __str__(self) -> str:
        return self.id

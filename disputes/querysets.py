"""Reads of disputes, as QuerySet methods."""

from datetime import timedelta
from typing import Any, Self

from django.db import models
from django.db.models import (
    DurationField,
    Exists,
    OuterRef,
    Prefetch,
    Q,
    Value,
)

from disputes.states import CLOSED, IN_HAND, OPEN_STATES, DisputeStatus
from offerhub.chain.submission import LIVE
from offerhub.core.clock import ProductNow
from orders.models import EscrowOperation
from orders.plans import OPEN_TO_ALL


class DisputeQuerySet(models.QuerySet[Any]):
    """Disputes, and the desk's queues of them."""

    def of(self, marketplace_id: str) -> Self:
        """Only this tenant's."""
        return self.filter(marketplace_id=marketplace_id)

    def for_display(self) -> Self:
        """With order, parties and milestones: two queries for any number of disputes."""
        from disputes.models import DisputedMilestone

        rows = DisputedMilestone.objects.select_related("milestone")
        related = ("order__buyer", "order__seller", "order__escrow", "assignee", "category")
        return self.select_related(*related).prefetch_related(Prefetch("milestones", rows))

    def open(self) -> Self:
        """Not closed."""
        return self.filter(status__in=OPEN_STATES)

    def closed(self) -> Self:
        """Resolved or withdrawn."""
        return self.filter(status__in=CLOSED)

    def in_hand(self) -> Self:
        """Those that the desk still has to decide."""
        return self.filter(status__in=IN_HAND)

    def assigned_to(self, staff: Any) -> Self:
        """One person's, open."""
        return self.open().filter(assignee=staff)

    def unassigned(self) -> Self:
        """Nobody's, open."""
        return self.open().filter(assignee=None)

    def due_within(self, hours: int) -> Self:
        """A clock that runs ends within so many hours, or has ended."""
        soon = ProductNow() + Value(timedelta(hours=hours), output_field=DurationField())
        return self.filter(status__in=(DisputeStatus.OPEN, DisputeStatus.UNDER_REVIEW)).filter(
            Q(decision_due_at__lte=soon) | Q(first_answered_at=None, first_answer_due_at__lte=soon)
        )

    def awaiting_approval(self) -> Self:
        """A proposal waits for a second person."""
        return self.filter(status=DisputeStatus.PROPOSED)

    def waiting_for_party(self) -> Self:
        """A party must answer."""
        return self.filter(status=DisputeStatus.WAITING_PARTY)

    def on_chain(self) -> Self:
        """Being settled, or stuck: a freeze or a settlement failed."""
        return self.open().filter(Q(status=DisputeStatus.SETTLING) | Q(problem__isnull=False))

    def answers_overdue(self) -> list[str]:
        """Parties that were asked and whose time is over."""
        waiting = self.filter(status=DisputeStatus.WAITING_PARTY, party_due_at__lte=ProductNow())
        return list(waiting.values_list("pk", flat=True)[:100])

    def to_follow(self) -> list[str]:
        """Those whose calls to the contract have ended, or whose proposal has, unnoticed so far."""

        from disputes.models import DisputedMilestone
        from offerhub.approvals.models import Proposal
        from offerhub.approvals.states import ProposalStatus

        live = EscrowOperation.objects.filter(order=OuterRef("order"), status__in=LIVE)
        unfrozen = DisputedMilestone.objects.filter(
            dispute=OuterRef("pk"), is_open=True, milestone__status__in=OPEN_TO_ALL
        )
        decided = Proposal.objects.filter(pk=OuterRef("proposal_id")).exclude(
            status=ProposalStatus.OPEN
        )
        calls = (
            self.open()
            .filter(~Exists(live), problem__isnull=True)  # `None` would be the JSON null
            .filter(Q(status=DisputeStatus.SETTLING) | Exists(unfrozen))
        )
        proposals = self.filter(Exists(decided), status=DisputeStatus.PROPOSED)
        return [*calls.values_list("pk", flat=True)[:100], *proposals.values_list("pk", flat=True)]

"""A campaign and its pledges.

The campaign's row keeps its totals: they are counted where a pledge is accepted and where the
settlement takes note of pledges that ended, both under the campaign's lock. No release and no
refund touches this row, so ten thousand of them do not queue for it.
"""

import functools
from typing import ClassVar

from django.db import models
from django_fsm import FSMField, transition

from offerhub.core.clock import ProductNow
from offerhub.core.db import AmountField, PublicIdField
from offerhub.core.fsm import guard
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import User
from orders.campaigns.querysets import CampaignQuerySet
from orders.campaigns.states import (
    CAMPAIGN_EDGES,
    FINAL_CAMPAIGN,
    OUTCOME_EDGES,
    PLEDGE_EDGES,
    CampaignStatus,
    Holds,
    OverGoal,
    PledgeState,
    SettleOn,
)

campaign_id = functools.partial(new_id, "cmp")

_C = CampaignStatus
_GOING = [_C.SETTLING, _C.NEEDS_ATTENTION]
_ENDED = models.Q(
    pledges=models.F("released") + models.F("refunded") + models.F("disputed"), failed=0
)


class Campaign(models.Model):
    """A project that many backers pay for, or nobody. Amounts in stroops, whole cents."""

    id = PublicIdField(primary_key=True, default=campaign_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    creator = models.ForeignKey(User, on_delete=models.PROTECT, related_name="campaigns")
    title = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    metadata = models.JSONField(default=dict)
    goal = AmountField()
    deadline = models.DateTimeField()
    least = AmountField(default=0)  # of one pledge; 0 is no limit, here and for `most`
    most = AmountField(default=0)
    per_backer = models.PositiveIntegerField(null=True)  # pledges of one backer
    holds = models.CharField(max_length=11, choices=Holds.choices)
    over_goal = models.CharField(max_length=13, choices=OverGoal.choices, default=OverGoal.ALLOW)
    settle_on = models.CharField(max_length=8, choices=SettleOn.choices, default=SettleOn.DEADLINE)
    status = FSMField(default=_C.OPEN, choices=CampaignStatus.choices, protected=True)
    # The final state that the settlement leads to, from its beginning on.
    outcome = models.CharField(max_length=9, blank=True)
    # Accepted and not taken back; what became of them, as numbers of pledges and as money.
    pledges = models.PositiveIntegerField(default=0)
    pledged = AmountField(default=0)
    released = models.PositiveIntegerField(default=0)
    refunded = models.PositiveIntegerField(default=0)
    disputed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    paid_out = AmountField(default=0)  # gross, to the creator
    given_back = AmountField(default=0)  # gross, to the backers
    told = models.PositiveIntegerField(default=0)  # pledges at the last event of progress
    goal_reached_at = models.DateTimeField(null=True)
    settling_at = models.DateTimeField(null=True)  # when the settlement, or its retry, began
    settled_before = models.PositiveIntegerField(default=0)  # pledges that had ended by then
    moved_at = models.DateTimeField(null=True)  # when a pledge was last asked for or ended
    ended_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)  # when to look: deadline, next part of a settlement
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=ProductNow())
    objects = CampaignQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(goal__gt=0), name="campaign_goal_positive"),
            models.CheckConstraint(
                condition=models.Q(
                    pledges__gte=models.F("released")
                    + models.F("refunded")
                    + models.F("disputed")
                    + models.F("failed")
                ),
                name="campaign_ends_no_more_than_it_has",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=FINAL_CAMPAIGN)
                | models.Q(outcome=models.F("status")) & _ENDED,
                name="campaign_is_over_when_all_pledges_are",
            ),
            models.CheckConstraint(
                condition=models.Q(status="OPEN", outcome="")
                | ~models.Q(status="OPEN") & ~models.Q(outcome=""),
                name="campaign_settles_to_an_outcome",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["marketplace", "-id"], name="campaign_newest_first"),
            models.Index(
                fields=["next_at"],
                condition=models.Q(next_at__isnull=False),
                name="campaign_due",
            ),
            models.Index(
                fields=["-id"],
                condition=models.Q(status="NEEDS_ATTENTION"),
                name="campaign_needs_attention",
            ),
        ]
        triggers: ClassVar = [
            guard("campaign_edges", "status", CAMPAIGN_EDGES),
            guard("campaign_outcome_once", "outcome", OUTCOME_EDGES),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def is_final(self) -> bool:
        """Whether the settlement is over."""
        return self.status in FINAL_CAMPAIGN

    @property
    def done(self) -> int:
        """Pledges that the settlement has nothing to do with any more."""
        return self.released + self.refunded + self.disputed

    @property
    def left(self) -> int:
        """Pledges that it has still to settle; those that failed wait for a retry."""
        return self.pledges - self.done - self.failed

    @property
    def goal_is_met(self) -> bool:
        """By what was pledged and not taken back."""
        return self.pledged >= self.goal

    @transition(field=status, source=[_C.OPEN, _C.NEEDS_ATTENTION], target=_C.SETTLING)
    def settle(self) -> None:
        """Every pledge is released, or every pledge is refunded."""

    @transition(field=status, source=_C.SETTLING, target=_C.NEEDS_ATTENTION)
    def give_up(self) -> None:
        """All was tried, and some pledges failed."""

    @transition(field=status, source=_GOING, target=_C.SUCCEEDED)
    def succeed(self) -> None:
        """Everything was released."""

    @transition(field=status, source=_GOING, target=_C.FAILED)
    def fail(self) -> None:
        """Everything was refunded."""

    @transition(field=status, source=_GOING, target=_C.CANCELLED)
    def cancel(self) -> None:
        """Everything was refunded after it was called off."""


class Pledge(models.Model):
    """The order's part in its campaign. Its money is the order's: here is only where it stands."""

    order = models.OneToOneField(
        "orders.Order", on_delete=models.PROTECT, primary_key=True, related_name="pledge"
    )
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    amount = AmountField()
    state = models.CharField(max_length=9, choices=PledgeState.choices, default=PledgeState.HELD)
    problem = models.JSONField(null=True)  # {"code", "detail"}: why it failed
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="pledge_amount_positive")
        ]
        indexes: ClassVar = [
            models.Index(fields=["campaign", "state", "order"], name="pledge_by_state"),
            models.Index(fields=["campaign", "order"], name="pledge_newest_first"),
            models.Index(
                fields=["campaign", "-settled_at"],
                condition=models.Q(settled_at__isnull=False),
                name="pledge_settled_last",
            ),
        ]
        triggers: ClassVar = [guard("pledge_edges", "state", PLEDGE_EDGES)]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.order_id}"

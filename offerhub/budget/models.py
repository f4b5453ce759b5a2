"""What was asked of the escrow provider lately, and who waits for their turn.

Nothing here knows of orders: a turn is of a plan (`subject`) and of the operation that is its next
step. Written by the functions of `sql/functions.sql` alone; without a limit nothing is.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from offerhub.budget.lanes import Lane
from offerhub.core.db import PublicIdField


class Bucket(models.Model):
    """The one row that everybody who calls the provider locks for a moment.

    `used` has the instant of each request of the last window, by the database's real clock.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    used = ArrayField(models.DateTimeField(), default=list)
    # When the next request of the two paced lanes is due, and until when the provider told us to
    # ask nothing at all.
    paced_until = models.DateTimeField(null=True)
    blocked_until = models.DateTimeField(null=True)
    # By lane: requests that went past it while it waited; the tag of its last turn.
    passed = ArrayField(models.BigIntegerField(), default=list)
    reached = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="budget_one_bucket")]

    def __str__(self) -> str:
        return f"{len(self.used)} used"


class Turn(models.Model):
    """A plan that waits for requests, or that got some and whose next steps will want more.

    `requests` are wanted now, `rest` by the steps that follow. Within a lane the smallest `tag`
    goes first: what the marketplace will have asked for when the plan is through, counted from
    where the lane was when it came. That is a round robin in which each request counts the same.
    """

    subject = PublicIdField(primary_key=True)
    operation = PublicIdField()
    marketplace_id = PublicIdField()
    lane = models.SmallIntegerField(choices=[(lane.value, lane.name) for lane in Lane])
    requests = models.PositiveSmallIntegerField()
    rest = models.PositiveSmallIntegerField()
    tag = models.BigIntegerField()
    waiting = models.BooleanField()
    # Not asked before: its account is busy. Meanwhile others go first.
    ready_at = models.DateTimeField()
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(lane__gte=1, lane__lte=4), name="budget_turn_lane")
        ]
        indexes: ClassVar = [
            models.Index(fields=["lane", "tag", "subject"], name="budget_turn_next"),
            models.Index(fields=["lane", "marketplace_id", "tag"], name="budget_turn_share"),
            models.Index(fields=["operation"], name="budget_turn_operation"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} lane {self.lane}"

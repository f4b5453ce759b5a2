"""Runs of reports, the files they made, and the schedules that ask for them."""

import functools
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from offerhub.core.clock import ProductNow
from offerhub.core.db import PublicIdField
from offerhub.core.fsm import guard
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace
from offerhub.reports.parameters import Parameters
from offerhub.reports.periods import Cadence
from offerhub.reports.states import LIVE, RUN_EDGES, RunState

run_id = functools.partial(new_id, "rpt")
schedule_id = functools.partial(new_id, "rps")


class Schedule(models.Model):
    """A report that is made again for each day, week or month of a zone, after it is over.

    `next_first_day` begins the period that is due at `due_at`. Without a marketplace it is about
    all of them and belongs to the staff.
    """

    id = PublicIdField(primary_key=True, default=schedule_id, editable=False)
    marketplace = models.ForeignKey(
        Marketplace, on_delete=models.PROTECT, null=True, related_name="+"
    )
    name = models.CharField(max_length=100)
    type = models.CharField(max_length=40)
    format = models.CharField(max_length=10)
    filters = models.JSONField(default=dict)  # Parameters without their period
    cadence = models.CharField(max_length=7, choices=[(one.value, one.value) for one in Cadence])
    zone = models.CharField(max_length=64)
    hour = models.PositiveSmallIntegerField()  # of the day after the period, in the zone
    recipients = models.JSONField(default=list)  # e-mail addresses
    is_active = models.BooleanField(default=True)
    next_first_day = models.DateField()
    due_at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=ProductNow())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(hour__lte=23), name="schedule_hour_of_a_day")
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(is_active=True), name="schedule_due"),
            models.Index(fields=["marketplace", "-id"], name="schedule_newest_first"),
        ]

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """One report that was asked for, and its file.

    `parameters` are a `Parameters`. `rows_expected` is known once the totals are summed; `totals`
    are [{"asset", "rows", "sums"}]. A run is leased while a worker makes it; a worker that dies
    loses it, and the next one begins again.
    """

    State = RunState

    id = PublicIdField(primary_key=True, default=run_id, editable=False)
    marketplace = models.ForeignKey(
        Marketplace, on_delete=models.PROTECT, null=True, related_name="+"
    )
    type = models.CharField(max_length=40)
    format = models.CharField(max_length=10)
    parameters = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=RunState, default=RunState.QUEUED)
    schedule = models.ForeignKey(Schedule, on_delete=models.PROTECT, null=True, related_name="runs")
    first_day = models.DateField(null=True)  # of the schedule's period
    rows_expected = models.PositiveBigIntegerField(null=True)
    rows = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    totals = models.JSONField(default=list)
    stored_as = models.CharField(max_length=120, blank=True)
    problem = models.JSONField(null=True)  # {"code", "detail"}
    actor = models.CharField(max_length=80)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.CharField(max_length=16, blank=True)
    lease_until = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)
    mail_tries = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=ProductNow())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "first_day"],
                condition=Q(schedule__isnull=False),
                name="run_once_for_a_period",
            ),
            models.CheckConstraint(
                condition=~Q(state=RunState.DONE)
                | (~Q(stored_as="") & Q(sha256__regex="^[0-9a-f]{64}$")),
                name="run_done_has_a_file",
            ),
            models.CheckConstraint(
                condition=Q(schedule__isnull=True) | Q(first_day__isnull=False),
                name="run_of_a_schedule_has_a_period",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["marketplace", "-id"], name="run_newest_first"),
            models.Index(fields=["id"], condition=Q(state__in=LIVE), name="run_live"),
            models.Index(
                fields=["expires_at"], condition=Q(state=RunState.DONE), name="run_expires"
            ),
        ]
        triggers: ClassVar = [guard("run_edges", "state", RUN_EDGES)]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"

    @property
    def asked(self) -> Parameters:
        """What it was asked for."""
        return Parameters.kept(self.parameters)

    @property
    def is_live(self) -> bool:
        """Whether it is still to be made."""
        return self.state in LIVE

    @property
    def percent(self) -> int:
        """How much of it is written."""
        if self.rows_expected is None:
            return 0
        return 100 * self.rows // self.rows_expected if self.rows_expected else 100

    @property
    def file_name(self) -> str:
        """As it is saved."""
        asked = self.asked
        parts: list[Any] = [self.type, asked.since, asked.until, asked.at, self.id]
        name = "_".join(str(part) for part in parts if part).replace(":", "-")
        return f"{name}.{self.format}"

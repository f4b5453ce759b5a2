"""Reports that are made again for every period that is over, each period once.

The row of a schedule names the next period and when it is due; whoever makes its run locks the row
and moves it on in the same transaction, and the database takes one run for each period only. After
an outage the periods that were missed are made one after the other.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from offerhub.core import clock
from offerhub.core.actor import Actor, system
from offerhub.core.clock import ProductNow
from offerhub.core.db import in_transaction
from offerhub.core.errors import Conflict, NotFound, Refusal
from offerhub.reports import services
from offerhub.reports.models import Run, Schedule
from offerhub.reports.parameters import Parameters
from offerhub.reports.periods import (
    Cadence,
    complaint,
    due_at,
    first_day,
    moment,
    next_first_day,
    zone_of,
)
from offerhub.reports.recording import record
from offerhub.reports.registry import report_type

MOST = 50  # of one marketplace
MOST_RECIPIENTS = 10
DUE = "reports.schedule"
HOUR = 3  # of the day after a period, when nobody says otherwise


class TooManySchedules(Conflict):
    """A marketplace has as many schedules as it may."""

    code, title = "too_many_schedules", "There are as many schedules as there may be"


@in_transaction
def create(
    *,
    name: str,
    type: str,
    format: str,
    filters: Parameters,
    cadence: str,
    hour: int,
    recipients: list[str],
    actor: Actor,
) -> Schedule:
    """A schedule whose first period is the one that is running now.

    `filters` have a zone and no period of their own. Raises InvalidRequest, TooManySchedules.
    """
    kind = report_type(type)
    filters = services.resolved(kind, replace(filters, since="", until="", at=""))
    rhythm, zone = Cadence(cadence), zone_of(filters.zone)
    kind.refuse_unfit(filters, format)
    _check_recipients(recipients)
    if Schedule.objects.filter(marketplace=filters.marketplace or None).count() >= MOST:
        raise TooManySchedules(f"There are {MOST} already")
    first = first_day(rhythm, clock.now().astimezone(zone).date())
    schedule = Schedule(
        marketplace_id=filters.marketplace or None,
        name=name.strip() or kind.title,
        type=type,
        format=format,
        filters=filters.given,
        cadence=rhythm,
        zone=filters.zone,
        hour=hour,
        recipients=recipients,
        next_first_day=first,
        due_at=due_at(rhythm, first, zone, hour),
        actor=str(actor),
        created_at=clock.now(),
    )
    record(schedule, "report.schedule_created", actor, {"name": schedule.name})
    schedule.save(force_insert=True)
    return schedule


@in_transaction
def update(
    *,
    schedule_id: str,
    marketplace_id: str | None,
    actor: Actor,
    is_active: bool | None = None,
    recipients: list[str] | None = None,
    name: str | None = None,
) -> Schedule:
    """Change whether it runs, to whom it goes, or its name; None leaves as it is.

    One that was stopped goes on with the period that is running now. Raises NotFound.
    """
    schedule = _lock(schedule_id, marketplace_id)
    if recipients is not None:
        _check_recipients(recipients)
        schedule.recipients = recipients
    if name:
        schedule.name = name
    if is_active and not schedule.is_active:
        _begin(schedule)
    if is_active is not None:
        schedule.is_active = is_active
    facts = {"isActive": schedule.is_active, "recipients": len(schedule.recipients)}
    record(schedule, "report.schedule_changed", actor, facts)
    schedule.save()
    return schedule


def find(marketplace_id: str, schedule_id: str) -> Schedule:
    """A schedule of this marketplace; raises NotFound."""
    row = Schedule.objects.filter(pk=schedule_id, marketplace=marketplace_id).first()
    if row is None:
        raise NotFound(f"There is no schedule {schedule_id!r} in this marketplace")
    return row


def due() -> list[str]:
    """Schedules whose period is over, the longest waiting first."""
    rows = Schedule.objects.filter(is_active=True, due_at__lte=ProductNow()).order_by("due_at")
    return list(rows.values_list("pk", flat=True)[:100])


@in_transaction
def run_period(*, schedule_id: str) -> Run | None:
    """Ask for the report of the period that is due, and move on; None when none is due."""
    schedule = _lock(schedule_id)
    if not schedule.is_active or schedule.due_at > clock.now():
        return None
    first = schedule.next_first_day
    last = next_first_day(Cadence(schedule.cadence), first)
    actor = system("schedule")
    run = None
    if not Run.objects.filter(schedule=schedule, first_day=first).exists():
        kept = Parameters.kept(schedule.filters)
        try:
            run = services.request_run(
                type=schedule.type,
                format=schedule.format,
                asked=_of_period(kept, schedule.type, first.isoformat(), last.isoformat()),
                actor=actor,
                schedule=schedule,
                first_day=first,
            )
        except Refusal as refusal:  # what it was about is gone: a person must look
            schedule.is_active = False
            record(schedule, "report.schedule_stopped", actor, {"reason": refusal.detail})
    schedule.next_first_day = last
    zone = zone_of(schedule.zone)
    schedule.due_at = due_at(Cadence(schedule.cadence), last, zone, schedule.hour)
    schedule.save()
    return run


def _of_period(kept: Parameters, name: str, first: str, after: str) -> Parameters:
    """The filters with the period; a report of an instant is of the end of it."""
    if "from" in report_type(name).filters:
        return replace(kept, since=first, until=after)
    end = moment(after, zone_of(kept.zone), "to")
    return replace(kept, at=(end - timedelta(microseconds=1)).isoformat())


def _begin(schedule: Schedule) -> None:
    zone, rhythm = zone_of(schedule.zone), Cadence(schedule.cadence)
    first = first_day(rhythm, clock.now().astimezone(zone).date())
    schedule.next_first_day = max(first, schedule.next_first_day)
    schedule.due_at = due_at(rhythm, schedule.next_first_day, zone, schedule.hour)


def _lock(schedule_id: str, marketplace_id: str | None = "") -> Schedule:
    """`marketplace_id` "" is any, None is the staff's own."""
    rows: Any = Schedule.objects.select_for_update(of=("self",)).filter(pk=schedule_id)
    if marketplace_id != "":
        rows = rows.filter(marketplace=marketplace_id)
    row: Schedule | None = rows.first()
    if row is None:
        raise NotFound(f"There is no schedule {schedule_id!r}")
    return row


def _check_recipients(recipients: list[str]) -> None:
    if len(recipients) > MOST_RECIPIENTS:
        raise complaint("recipients", "too_many", f"takes at most {MOST_RECIPIENTS}")
    for place, address in enumerate(recipients):
        try:
            validate_email(address)
        except ValidationError:
            words = "must be an e-mail address"
            raise complaint(f"recipients.{place}", "invalid_email", words) from None

"""Schedules: every period once, whole days of a zone, and people who are told."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connections
from django.db.models.functions import Now

from offerhub.core.errors import InvalidRequest
from offerhub.core.jobs import Later
from offerhub.events.models import Event
from offerhub.reports import mails, making, schedules
from offerhub.reports.models import Run, Schedule
from offerhub.reports.parameters import Parameters
from offerhub.reports.periods import (
    Cadence,
    due_at,
    first_day,
    last_month,
    midnight,
    moment,
    next_first_day,
)
from tests.ledger.conftest import Books
from tests.reports.conftest import ACTOR

VIENNA = ZoneInfo("Europe/Vienna")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Vienna", date(2026, 3, 29), 23),
        ("Europe/Vienna", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("Africa/Cairo", date(2026, 4, 24), 23),  # its midnight does not exist
        ("America/Havana", date(2026, 11, 1), 25),  # its midnight is there twice
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("UTC", date(2026, 3, 29), 24),
    ],
)
def test_a_day_is_as_long_as_its_zone_says(zone: str, day: date, hours: float) -> None:
    place = ZoneInfo(zone)
    begins, ends = midnight(day, place), midnight(day + timedelta(days=1), place)
    assert (ends - begins) == timedelta(hours=hours)
    assert begins.astimezone(place).date() == day
    assert (begins - timedelta(microseconds=1)).astimezone(place).date() == day - timedelta(days=1)


def test_periods_follow_each_other_without_gap_or_overlap() -> None:
    for cadence in Cadence:
        first = first_day(cadence, date(2024, 1, 31))
        for _ in range(30):
            after = next_first_day(cadence, first)
            assert first_day(cadence, after - timedelta(days=1)) == first
            assert first_day(cadence, after) == after
            first = after
    assert first_day(Cadence.WEEKLY, date(2026, 3, 29)) == date(2026, 3, 23)
    assert next_first_day(Cadence.MONTHLY, date(2024, 2, 1)) == date(2024, 3, 1)
    assert last_month(date(2026, 1, 15)) == (date(2025, 12, 1), date(2026, 1, 1))


def test_a_report_is_due_at_its_hour_on_both_sides_of_the_change() -> None:
    assert due_at(Cadence.DAILY, date(2026, 3, 28), VIENNA, 3) == datetime(
        2026, 3, 29, 1, tzinfo=UTC
    )
    assert due_at(Cadence.DAILY, date(2026, 10, 24), VIENNA, 3) == datetime(
        2026, 10, 25, 2, tzinfo=UTC
    )
    # 2:30 does not exist on the day of the change, and is one later by the clock on the wall
    assert due_at(Cadence.DAILY, date(2026, 3, 28), VIENNA, 2) == datetime(
        2026, 3, 29, 1, tzinfo=UTC
    )


def test_a_day_as_an_instant_means_its_end() -> None:
    assert moment("2026-10-25", VIENNA, "at", after=True) == datetime(2026, 10, 25, 23, tzinfo=UTC)
    assert moment("2026-10-25", VIENNA, "from") == datetime(2026, 10, 24, 22, tzinfo=UTC)


def scheduled(books: Books, **changes: Any) -> Schedule:
    """A daily one of Vienna whose period of 2026-03-28 is due."""
    values: dict[str, Any] = {
        "name": "Daily ledger",
        "type": "ledger.entries.v1",
        "format": "csv",
        "filters": Parameters(marketplace=books.id, zone="Europe/Vienna"),
        "cadence": "DAILY",
        "hour": 3,
        "recipients": ["finance@example.com", "audit@example.com"],
        "actor": ACTOR,
    }
    made = schedules.create(**values | changes)
    first = date(2026, 3, 28)
    rhythm = Cadence(made.cadence)
    Schedule.objects.filter(pk=made.pk).update(
        next_first_day=first, due_at=due_at(rhythm, first, VIENNA, 3)
    )
    made.refresh_from_db()
    return made


def test_two_workers_run_a_period_once(books: Books) -> None:
    schedule = scheduled(books)
    assert schedule.pk in schedules.due()
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        try:
            schedules.run_period(schedule_id=schedule.pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = list(Run.objects.filter(schedule=schedule).order_by("first_day"))
    days = [run.first_day for run in runs if run.first_day]
    assert days == sorted(set(days))
    schedule.refresh_from_db()
    assert schedule.next_first_day == days[-1] + timedelta(days=1)
    assert len(days) == 2  # the second took the next period, which is over as well


def test_a_day_of_the_change_is_reported_whole(books: Books, kept: Any) -> None:
    schedule = scheduled(books)
    for _ in range(2):
        schedules.run_period(schedule_id=schedule.pk)
    _, short = Run.objects.filter(schedule=schedule).order_by("first_day")
    asked = short.asked
    assert (asked.since, asked.until) == ("2026-03-29", "2026-03-30")
    assert asked.start and asked.end and asked.end - asked.start == timedelta(hours=23)


def test_the_same_period_is_never_run_again(books: Books) -> None:
    schedule = scheduled(books)
    schedules.run_period(schedule_id=schedule.pk)
    Schedule.objects.filter(pk=schedule.pk).update(
        next_first_day=schedule.next_first_day, due_at=schedule.due_at
    )
    assert schedules.run_period(schedule_id=schedule.pk) is None
    assert Run.objects.filter(schedule=schedule).count() == 1
    schedule.refresh_from_db()
    assert schedule.next_first_day == date(2026, 3, 29)


def test_what_is_not_over_is_not_due(books: Books) -> None:
    made = schedules.create(
        name="",
        type="ledger.trial-balance.v1",
        format="xlsx",
        filters=Parameters(marketplace=books.id),
        cadence="MONTHLY",
        hour=5,
        recipients=[],
        actor=ACTOR,
    )
    assert made.name == "Trial balance"
    assert made.pk not in schedules.due()
    assert schedules.run_period(schedule_id=made.pk) is None
    Schedule.objects.filter(pk=made.pk).update(
        next_first_day=date(2026, 2, 1), due_at=datetime(2026, 3, 1, 5, tzinfo=UTC)
    )
    run = schedules.run_period(schedule_id=made.pk)
    assert run is not None and run.asked.at == "2026-02-28T23:59:59.999999+00:00"


def test_one_that_was_stopped_goes_on_with_the_period_that_is_running(books: Books) -> None:
    schedule = scheduled(books)
    keys: dict[str, Any] = {"schedule_id": schedule.pk, "marketplace_id": books.id, "actor": ACTOR}
    schedules.update(**keys, is_active=False)
    assert schedule.pk not in schedules.due()
    assert schedules.run_period(schedule_id=schedule.pk) is None
    on = schedules.update(**keys, is_active=True)
    assert on.next_first_day > date(2026, 3, 29)
    assert not Run.objects.filter(schedule=schedule).exists()


def test_recipients_must_be_addresses_and_few(books: Books) -> None:
    for wrong in (["not an address"], ["a@example.com\nBcc: b@example.com"], ["a@b.example"] * 11):
        with pytest.raises(InvalidRequest):
            scheduled(books, recipients=wrong)


def test_each_is_told_where_the_file_is_and_nothing_of_what_is_in_it(
    busy: Books, kept: Any
) -> None:
    schedule = scheduled(busy)
    run = schedules.run_period(schedule_id=schedule.pk)
    assert run is not None
    making.make(run.pk)
    assert run.pk in mails.due()
    mails.send(run.pk)
    mails.send(run.pk)  # a bell that rings twice
    run.refresh_from_db()
    assert sorted(message.to[0] for message in mail.outbox) == [
        "audit@example.com",
        "finance@example.com",
    ]
    message = mail.outbox[0]
    assert message.subject == "Daily ledger: Ledger entries is ready"
    assert run.sha256 in message.body and f"/admin/finance/reports/{run.pk}/" in message.body
    assert "USDC" not in message.body and "500" not in message.body.replace(run.sha256, "")
    assert message.attachments == []
    assert run.pk not in mails.due()
    told = Event.objects.get(subject=run.pk, type="report.finished").payload
    assert (told["scheduleId"], told["firstDay"]) == (schedule.pk, "2026-03-28")


def test_the_file_is_attached_where_the_settings_say_so(
    busy: Books, kept: Any, settings: Any
) -> None:
    settings.REPORT_MAIL_ATTACH = True
    run = schedules.run_period(schedule_id=scheduled(busy).pk)
    assert run is not None
    making.make(run.pk)
    mails.send(run.pk)
    ((name, attached, media),) = mail.outbox[0].attachments
    assert name.endswith(".csv") and media == "text/csv" and "#end" in str(attached)


def test_a_mail_server_that_is_away_is_asked_again(busy: Books, kept: Any, settings: Any) -> None:
    run = schedules.run_period(schedule_id=scheduled(busy).pk)
    assert run is not None
    making.make(run.pk)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with pytest.raises(Later):
        mails.send(run.pk)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mails.send(run.pk)
    assert len(mail.outbox) == 2


def test_a_failure_is_told_too(books: Books, kept: Any) -> None:
    schedule = scheduled(books)
    run = schedules.run_period(schedule_id=schedule.pk)
    assert run is not None
    claimed = making._claim(run.pk)  # and its worker dies
    assert claimed is not None
    past = Now() - timedelta(seconds=1)
    Run.objects.filter(pk=run.pk).update(attempts=making.MAX_ATTEMPTS, lease_until=past)
    making.make(run.pk)
    mails.send(run.pk)
    assert "could not be made" in mail.outbox[0].subject
    assert "its worker died" in mail.outbox[0].body

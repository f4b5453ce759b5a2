"""Telling people by e-mail that a scheduled report is there, or that it failed.

A mail says what the file is and where it is, with its digest; it holds nothing of its content. The
file itself is attached only where the settings say so. A mail may come twice when a worker dies
between sending it and noting that; it is never left out.
"""

from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import Q
from django.urls import reverse

from offerhub.core import clock
from offerhub.core.jobs import Later
from offerhub.reports import keeping
from offerhub.reports.columns import MEDIA_TYPES, Format
from offerhub.reports.models import Run
from offerhub.reports.registry import report_type
from offerhub.reports.states import RunState

MOST_TRIES, PAUSE = 6, 60.0
LOOKED_BACK = timedelta(days=3)
ENDED = (RunState.DONE, RunState.FAILED)


def due() -> list[str]:
    """Runs of schedules that ended and whose people were not told."""
    rows = Run.objects.filter(
        Q(schedule__isnull=False),
        state__in=ENDED,
        mailed_at=None,
        mail_tries__lt=MOST_TRIES,
        finished_at__gte=clock.now() - LOOKED_BACK,
    ).exclude(schedule__recipients=[])
    return list(rows.order_by("id").values_list("pk", flat=True)[:50])


def send(run_id: str) -> None:
    """Write to each recipient by themselves; raises Later when the mail server does not answer."""
    rows = Run.objects.select_related("schedule").filter(state__in=ENDED, mailed_at=None)
    run = rows.filter(pk=run_id, mail_tries__lt=MOST_TRIES).first()
    if run is None or run.schedule is None or not run.schedule.recipients:
        return
    Run.objects.filter(pk=run.pk).update(mail_tries=run.mail_tries + 1)
    try:
        messages = [_message(run, run.schedule.name, to) for to in run.schedule.recipients]
        get_connection(timeout=20).send_messages(messages)
    except OSError:  # no server, a refusal, or a time that is over
        raise Later(PAUSE) from None
    Run.objects.filter(pk=run.pk).update(mailed_at=clock.now())


def _message(run: Run, name: str, to: str) -> EmailMessage:
    title = report_type(run.type).title
    done = run.state == RunState.DONE
    subject = f"{name}: {title} {'is ready' if done else 'could not be made'}"
    message = EmailMessage(" ".join(subject.split()), _text(run, title), to=[to])
    attaches = settings.REPORT_MAIL_ATTACH and run.bytes <= settings.REPORT_MAIL_ATTACH_BYTES
    if done and attaches:
        with keeping.read(run) as file:
            media = MEDIA_TYPES[Format(run.format)].partition(";")[0]
            message.attach(run.file_name, file.read(), media)
    return message


def _text(run: Run, title: str) -> str:
    asked = run.asked
    period = f"{asked.since} to {asked.until} (not included), {asked.zone}"
    about = [title, period if asked.since else f"{asked.at} ({asked.zone})", ""]
    if run.state == RunState.DONE:
        about += [
            f"Download: {address(run)}",
            f"Rows: {run.rows}",
            f"Bytes: {run.bytes}",
            f"SHA-256: {run.sha256}",
            f"Kept until: {run.expires_at:%Y-%m-%d}" if run.expires_at else "",
        ]
    else:
        about += [f"It failed: {(run.problem or {}).get('detail', '')}", f"See {address(run)}"]
    return "\n".join([*about, ""])


def address(run: Run) -> str:
    """Where the file is: a marketplace takes it with its key, the staff at the desk."""
    if run.marketplace_id and run.actor.startswith("api_key:"):
        return f"{settings.PUBLIC_URL}/api/v1/reports/runs/{run.pk}/file"
    return f"{settings.PUBLIC_URL}{reverse('admin:report', args=[run.pk])}"

"""Making a run's file: leased, in one snapshot, told on the way, and kept only when whole."""

import errno
import os
import secrets
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Q
from django.db.models.functions import Now
from xlsxwriter.exceptions import XlsxWriterException

from offerhub.core import clock
from offerhub.core.actor import system
from offerhub.core.crash import crash_point
from offerhub.core.db import in_transaction
from offerhub.core.errors import Refusal
from offerhub.core.jobs import Later, ring
from offerhub.reports import keeping
from offerhub.reports.columns import Format
from offerhub.reports.lists import narrowed
from offerhub.reports.models import Run
from offerhub.reports.recording import record
from offerhub.reports.registry import report_type
from offerhub.reports.states import RunState
from offerhub.reports.writing.beancount import write_beancount
from offerhub.reports.writing.export import Export, Sink, snapshot
from offerhub.reports.writing.lines import write_csv, write_jsonl
from offerhub.reports.writing.xlsx import CellRefused, digest_of, write_xlsx

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
TOLD_EVERY = 1.0  # seconds between two notes of progress, each of which extends the lease
MAX_ATTEMPTS = 3
BUSY_PAUSE = 5.0  # seconds until a run looks for a free place again
_LOCK = 0x0FFE_4E97  # the advisory lock under which places are given out

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
WRITERS = {
    Format.CSV: write_csv,
    Format.JSONL: write_jsonl,
    Format.BEANCOUNT: write_beancount,
}


class LeaseLost(Exception):
    """Another worker took the run: this one keeps nothing."""


class NotWhole(Exception):
    """There are not as many rows in the file as its totals count."""


def make(run_id: str) -> None:
    """Make a run's file, if the run is there to be made and there is a place for it."""
    run = _claim(run_id)
    if run is None:
        return
    try:
        _make(run)
    except LeaseLost:
        log.warning("report_lease_lost", run=run.pk)
    except (OSError, XlsxWriterException) as error:
        _fail(run, *_storage_problem(error))
    except CellRefused as error:
        _fail(run, "cell_too_long", f"A spreadsheet can not hold it: {error}. Take CSV or JSON.")
    except Refusal as refusal:
        _fail(run, refusal.code, refusal.detail)
    except (psycopg.Error, DatabaseError, NotWhole) as error:
        log.warning("report_put_off", run=run.pk, error=str(error).strip())
        _let_go(run, str(error).strip().partition("\n")[0])


def _storage_problem(error: Exception) -> tuple[str, str]:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__context__
    if isinstance(cause, OSError) and cause.errno in FULL:
        text = "The disk is full, so no file was kept. Make room, then ask for the report again."
        return "storage_full", text
    return "storage_failed", f"The file could not be written, so none was kept: {error}"


@in_transaction
def _claim(run_id: str) -> Run | None:
    """Lease a run that is queued, or whose worker has died. Raises Later when all places are
    taken; a run that died too often fails."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    due = Q(state=RunState.QUEUED) | Q(state=RunState.RUNNING, lease_until__lt=Now())
    rows = Run.objects.select_for_update(skip_locked=True, of=("self",)).filter(due, pk=run_id)
    run: Run | None = rows.first()
    if run is None:
        return None
    running = Run.objects.filter(state=RunState.RUNNING, lease_until__gte=Now()).count()
    if running >= settings.REPORTS_AT_ONCE:
        raise Later(BUSY_PAUSE)
    if run.attempts >= MAX_ATTEMPTS:
        last = (run.problem or {}).get("detail", "its worker died")
        _end(run, RunState.FAILED, {"code": "gave_up", "detail": f"{MAX_ATTEMPTS} times: {last}"})
        return None
    first = run.state == RunState.QUEUED
    run.state, run.lease = RunState.RUNNING, secrets.token_hex(8)
    run.attempts, run.rows, run.rows_expected = run.attempts + 1, 0, None
    run.started_at = clock.now()
    if first:
        record(run, "report.started", system("reports"))
    run.save()
    Run.objects.filter(pk=run.pk).update(lease_until=Now() + LEASE)
    return run


def _make(run: Run) -> None:
    crash_point("reports.claimed")
    form, told = Format(run.format), time.monotonic()

    def tick(rows: int) -> None:
        nonlocal told
        crash_point("reports.writing")
        if time.monotonic() - told >= TOLD_EVERY:
            told = time.monotonic()
            _hold(run, rows=rows)

    view = narrowed(run.asked.view, run.asked.query, run.asked.viewer)
    with keeping.unfinished() as path:
        with snapshot(run.asked.zone) as session:
            export = Export(
                session, report_type(run.type), run.asked, view, form, clock.now(), tick=tick
            )
            export.add_up()
            _hold(run, rows_expected=export.expected)
            rows, sha256, size = _write(export, path)
        if rows != export.expected:
            raise NotWhole(f"{rows} rows were written of {export.expected}")
        _hold(run, rows=rows)
        run.totals = [
            {"asset": one.asset, "rows": one.rows, "sums": one.sums} for one in export.totals
        ]
        run.rows, run.rows_expected, run.sha256, run.bytes = rows, rows, sha256, size
        run.stored_as = keeping.keep(path)
    crash_point("reports.kept")
    if not _finish(run):
        keeping.delete(run.stored_as)
        raise LeaseLost


def _write(export: Export, path: Path) -> tuple[int, str, int]:
    """Rows, digest and size of the file, which is on the disk when this returns."""
    if export.form == Format.XLSX:
        rows = write_xlsx(export, path)
        digest, size = digest_of(path)
    else:
        with path.open("wb") as file:
            sink = Sink(file)
            rows = WRITERS[export.form](export, sink)
            file.flush()
            os.fsync(file.fileno())
        digest, size = sink.sha256, sink.bytes
    return rows, digest, size


def _hold(run: Run, **changes: Any) -> None:
    """Note how far it is and keep the lease; raises LeaseLost."""
    mine = Run.objects.filter(pk=run.pk, lease=run.lease, state=RunState.RUNNING)
    if not mine.update(lease_until=Now() + LEASE, **changes):
        raise LeaseLost


@in_transaction
def _finish(run: Run) -> bool:
    """DONE, unless the lease was lost meanwhile."""
    now = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if now.lease != run.lease or now.state != RunState.RUNNING:
        return False
    run.version = now.version
    _end(run, RunState.DONE, None)
    return True


@in_transaction
def _fail(run: Run, code: str, detail: str) -> None:
    """FAILED: there is no file, and trying again would not help."""
    now = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if now.lease == run.lease and now.state == RunState.RUNNING:
        run.version = now.version
        _end(run, RunState.FAILED, {"code": code, "detail": detail[:500]})


def _let_go(run: Run, why: str) -> None:
    """Give the lease back: the next sweep lets a worker begin again."""
    problem = {"code": "interrupted", "detail": why[:500]}
    mine = Run.objects.filter(pk=run.pk, lease=run.lease, state=RunState.RUNNING)
    mine.update(lease="", lease_until=Now() - LEASE, problem=problem)


def _end(run: Run, state: RunState, problem: dict[str, str] | None) -> None:
    """The last step of a run, in the caller's transaction and under the row's lock."""
    run.state, run.problem, run.lease, run.lease_until = state, problem, "", None
    run.finished_at = clock.now()
    if state == RunState.DONE:
        run.expires_at = run.finished_at + timedelta(days=settings.REPORT_DAYS)
    event = "report.finished" if state == RunState.DONE else "report.failed"
    record(run, event, system("reports"))
    run.save()
    if run.schedule_id:
        ring("reports.mail", run.pk)


def due() -> list[str]:
    """Runs that are queued, or whose worker has died, the oldest first: as many as have a place."""
    running = Run.objects.filter(state=RunState.RUNNING, lease_until__gte=Now()).count()
    waiting = Q(state=RunState.QUEUED) | Q(state=RunState.RUNNING, lease_until__lt=Now())
    rows = Run.objects.filter(waiting).order_by("id").values_list("pk", flat=True)
    return list(rows[: max(settings.REPORTS_AT_ONCE - running, 0)])

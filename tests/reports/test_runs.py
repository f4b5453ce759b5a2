"""Runs: leased, begun again after a death, never short, kept for a while, then gone."""

import errno
import hashlib
import os
import resource
import signal
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.models.functions import Now

from offerhub.core import clock
from offerhub.core.errors import InvalidRequest, WrongState
from offerhub.core.jobs import Later
from offerhub.events.models import Event
from offerhub.reports import keeping, making, services, tasks
from offerhub.reports.models import Run
from offerhub.reports.parameters import Parameters
from offerhub.reports.writing import lines
from tests.ledger.conftest import Books
from tests.reports.conftest import ACTOR, content, make, table


def ask(books: Books, format: str = "csv", type: str = "ledger.entries.v1", **asked: str) -> Run:
    return services.request_run(
        type=type, format=format, asked=Parameters(marketplace=books.id, **asked), actor=ACTOR
    )


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def events(run: Run) -> list[str]:
    return list(
        Event.objects.filter(subject=run.pk).order_by("sequence").values_list("type", flat=True)
    )


def test_a_run_tells_each_step_and_its_file_has_its_digest(busy: Books, kept: Path) -> None:
    run = make("ledger.entries.v1", marketplace=busy.id)
    assert hashlib.sha256(content(run)).hexdigest() == run.sha256
    assert events(run) == ["report.requested", "report.started", "report.finished"]
    told = Event.objects.get(subject=run.pk, type="report.finished").payload
    assert (told["sha256"], told["rows"], told["state"]) == (run.sha256, run.rows, "DONE")
    assert files(kept / "unfinished") == []
    assert [oct(path.stat().st_mode & 0o777) for path in files(kept / "kept")] == ["0o600"]
    making.make(run.pk)  # told again
    assert Run.objects.get(pk=run.pk).finished_at == run.finished_at


def test_a_file_is_of_one_instant_however_long_it_takes(
    busy: Books, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, real = ask(busy), lines._pass_on
    posted: list[bool] = []

    def post() -> None:
        busy.deposit(9)
        connections.close_all()

    def slow(*args: Any) -> int:
        if not posted:
            thread = threading.Thread(target=post)
            thread.start()
            thread.join()
            posted.append(True)
        return real(*args)

    monkeypatch.setattr(lines, "_pass_on", slow)
    making.make(run.pk)
    run.refresh_from_db()
    rows, tail = table(run)
    assert posted and len(rows) == run.rows == int(tail[-1][1])
    assert make("ledger.entries.v1", marketplace=busy.id).rows == run.rows + 2


@pytest.mark.parametrize("form", ["csv", "xlsx", "jsonl", "beancount"])
def test_a_disk_that_fills_leaves_a_clear_word_and_no_file(
    busy: Books, kept: Path, form: str
) -> None:
    kind = "journal.beancount.v1" if form == "beancount" else "ledger.entries.v1"
    run = ask(busy, form, kind)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, limits[1]))
        making.make(run.pk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    run.refresh_from_db()
    assert run.state == "FAILED"
    assert run.problem and run.problem["code"] == "storage_full"
    assert "disk is full" in run.problem["detail"]
    assert files(kept) == []
    assert events(run)[-1] == "report.failed"
    with pytest.raises(WrongState):
        services.download(run_id=run.pk, actor=ACTOR)


def test_a_storage_that_fills_keeps_nothing_either(
    busy: Books, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("django.core.files.storage.filesystem.file_move_safe", full)
    run = make("ledger.entries.v1", marketplace=busy.id)
    assert run.state == "FAILED" and run.problem and run.problem["code"] == "storage_full"
    assert files(kept) == []


def test_a_file_short_of_a_row_is_not_kept(
    busy: Books, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = lines._pass_on

    def lossy(block: list[Any], *args: Any) -> int:
        del block[-1:]
        return real(block, *args)

    monkeypatch.setattr(lines, "_pass_on", lossy)
    run = make("ledger.entries.v1", marketplace=busy.id)
    assert run.state == "RUNNING" and files(kept) == []
    for _ in range(making.MAX_ATTEMPTS):
        making.make(run.pk)
    run.refresh_from_db()
    assert run.state == "FAILED" and run.problem and run.problem["code"] == "gave_up"
    assert "rows were written of" in run.problem["detail"]
    assert files(kept) == []


def test_two_workers_make_a_run_once(busy: Books, kept: Path) -> None:
    run = ask(busy)

    def work() -> None:
        try:
            making.make(run.pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.refresh_from_db()
    assert (run.state, run.attempts, len(files(kept / "kept"))) == ("DONE", 1, 1)
    assert events(run).count("report.finished") == 1


def test_who_lost_the_lease_keeps_nothing(
    busy: Books, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, real = ask(busy), lines._pass_on

    def robbed(*args: Any) -> int:
        Run.objects.filter(pk=run.pk).update(
            lease="somebody", lease_until=Now() + timedelta(hours=1)
        )
        return real(*args)

    monkeypatch.setattr(lines, "_pass_on", robbed)
    making.make(run.pk)
    run.refresh_from_db()
    assert (run.state, run.lease) == ("RUNNING", "somebody")
    assert files(kept) == []


def test_a_run_waits_for_a_free_place(busy: Books, kept: Path, settings: Any) -> None:
    settings.REPORTS_AT_ONCE = 1
    Run.objects.filter(state="RUNNING").update(lease_until=Now() - timedelta(hours=1))
    first, second = ask(busy), ask(busy)
    claimed = making._claim(first.pk)
    assert claimed is not None
    with pytest.raises(Later):
        making.make(second.pk)
    making._let_go(claimed, "stopped")
    making.make(second.pk)
    second.refresh_from_db()
    assert second.state == "DONE"
    settings.REPORTS_AT_ONCE = 50
    assert first.pk in making.due()
    assert second.pk not in making.due()
    making.make(first.pk)
    first.refresh_from_db()
    assert (first.state, first.attempts) == ("DONE", 2)


def test_no_more_runs_wait_than_may(books: Books, settings: Any) -> None:
    settings.REPORTS_WAITING = 2
    ask(books), ask(books)
    with pytest.raises(services.TooManyRuns):
        ask(books)
    Run.objects.filter(marketplace=books.id).update(state="RUNNING", attempts=making.MAX_ATTEMPTS)


def test_a_file_expires_and_says_so(busy: Books, kept: Path) -> None:
    run = make("ledger.entries.v1", marketplace=busy.id)
    assert services.download(run_id=run.pk, actor=ACTOR).state == "DONE"
    tasks.files()
    assert len(files(kept / "kept")) == 1
    Run.objects.filter(pk=run.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    tasks.files()
    run.refresh_from_db()
    assert (run.state, run.stored_as) == ("EXPIRED", "")
    assert files(kept) == []
    with pytest.raises(services.FileExpired):
        services.download(run_id=run.pk, actor=ACTOR)
    assert events(run)[-2:] == ["report.downloaded", "report.expired"]
    assert len(run.sha256) == 64


def test_files_that_nobody_names_are_swept(busy: Books, kept: Path) -> None:
    run = make("ledger.entries.v1", marketplace=busy.id)
    day = datetime.now(UTC) - timedelta(days=3)  # the disk's time: other tests move the clock
    old = kept / "kept" / f"{day:%Y-%m-%d}" / "orphan"
    old.parent.mkdir()
    old.write_text("x")
    left = keeping.scratch() / "dead"
    left.mkdir()
    (left / "report").write_text("half of it")
    os.utime(left, (0, 0))
    assert keeping.sweep() == 2
    assert not old.exists() and not left.exists()
    assert content(run)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"since": "2026-10-01", "until": "2026-10-01"}, "empty_period"),
        ({"since": "2026-13-01"}, "invalid_time"),
        ({"since": "2026-10-01T00:00:00"}, "invalid_time"),
        ({"since": "0001-01-01"}, "invalid_time"),
        ({"zone": "Mars/Olympus"}, "unknown_zone"),
        ({"zone": "../etc/passwd"}, "unknown_zone"),
        ({"status": "OPEN"}, "unsupported_filter"),
        ({"at": "2026-10-01"}, "unsupported_filter"),
        ({"user": "nobody"}, "unknown_user"),
        ({"account": "acc_none"}, "unknown_account"),
        ({"basis": "guessed"}, "invalid_choice"),
        ({"view": "orders.order"}, "unsupported_filter"),
    ],
)
def test_what_can_not_be_is_refused_by_name(books: Books, asked: Any, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused, transaction.atomic():
        ask(books, **asked)
    assert [error.code for error in refused.value.errors] == [code]
    assert not Run.objects.filter(marketplace=books.id).exists()


def test_another_format_and_another_type_are_refused(books: Books) -> None:
    for values in ({"type": "nothing.v1"}, {"format": "pdf"}, {"type": "account.statement.v1"}):
        with pytest.raises(InvalidRequest):
            ask(books, **values)

"""Books with everything in them, and reports made as a worker makes them."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db.models.functions import Now

from offerhub.core.actor import system
from offerhub.reports import making, services
from offerhub.reports.models import Run, Schedule
from offerhub.reports.parameters import Parameters
from tests.ledger.conftest import Books

ACTOR = system("test")


def make(type: str, format: str = "csv", **asked: str) -> Run:
    """A report from asking for it to its end."""
    run = services.request_run(type=type, format=format, asked=Parameters(**asked), actor=ACTOR)
    making.make(run.pk)
    return Run.objects.get(pk=run.pk)


def content(run: Run) -> bytes:
    """The kept file of a run that is done."""
    assert run.state == "DONE", run.problem
    with storages["reports"].open(run.stored_as) as file:
        return bytes(file.read())


def table(run: Run) -> tuple[list[dict[str, str]], list[list[str]]]:
    """Rows and the last lines of a CSV file, as the csv module reads them."""
    lines = list(csv.reader(io.StringIO(content(run).decode(), newline="")))
    head, *body = lines
    assert {len(line) for line in lines} == {len(head)}
    tail = [line for line in body if line[0].startswith("#")]
    assert body[len(body) - len(tail) :] == tail
    return [dict(zip(head, line, strict=True)) for line in body[: len(body) - len(tail)]], tail


def totals(tail: list[list[str]]) -> dict[tuple[str, str], str]:
    """Control totals as the last lines tell them: by asset and name."""
    return {(line[1], line[2]): line[3] for line in tail if line[0] == "#total"}


def records(run: Run) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows and the last line of a file of JSON lines."""
    lines = [json.loads(line) for line in content(run).decode().splitlines()]
    return lines[:-1], lines[-1]


def leave_nothing() -> None:
    """End what waits: what a test leaves is nobody's work afterwards."""
    Schedule.objects.update(is_active=False)
    Run.objects.filter(state="QUEUED").update(state="RUNNING")
    Run.objects.filter(state="RUNNING").update(state="FAILED", lease_until=None)
    Run.objects.filter(mailed_at=None).update(mailed_at=Now())


@pytest.fixture
def books(committed: None) -> Iterator[Books]:
    """A marketplace whose books are empty."""
    yield Books()
    leave_nothing()


@pytest.fixture
def busy(books: Books) -> Books:
    """A sale, a split, dust and a cancelled order."""
    return fill(books)


def fill(books: Books) -> Books:
    """The same for books of another test."""
    books.deposit(5_000_000_000, description="first")
    books.deposit(2_000_000_001, books.seller)
    for order in ("ord_a", "ord_b", "ord_c"):
        books.reserve(order, 1_000_000_000)
    books.unreserve("ord_c", 1_000_000_000)
    books.fund("ord_a", 1_000_000_000)
    books.fund("ord_b", 1_000_000_000)
    books.settle(
        "ord_a", gross=1_000_000_000, seller=967_000_000, platform=30_000_000, protocol=3_000_000
    )
    books.settle("ord_b", gross=400_000_001, seller=200_000_000, buyer=200_000_001, kind="split")
    books.dust(7)
    return books


@pytest.fixture
def kept(tmp_path: Path, settings: Any) -> Path:
    """The folder in which finished files of this test are."""
    settings.REPORT_SCRATCH = tmp_path / "unfinished"
    options = {**settings.STORAGES["reports"]["OPTIONS"], "location": tmp_path / "kept"}
    settings.STORAGES = {
        **settings.STORAGES,
        "reports": {**settings.STORAGES["reports"], "OPTIONS": options},
    }
    return tmp_path

"""A worker that dies while it makes a report, wherever: the next one begins again, and there is
never a file that looks whole and is not."""

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil
import pytest
from django.core.files.storage import storages
from django.db import connection
from django.db.models.functions import Now

from offerhub.reports import keeping, making, services
from offerhub.reports.models import Run
from offerhub.reports.parameters import Parameters
from tests.ledger.conftest import Books
from tests.reports.conftest import ACTOR, content, table

if TYPE_CHECKING:
    from tests.crash.workers import Killed

DIED = 137
MEGABYTE = 1024 * 1024


@pytest.mark.parametrize("point", ["reports.claimed", "reports.writing", "reports.kept"])
def test_a_killed_worker_leaves_no_file_that_counts_and_the_next_begins_again(
    busy: Books, worker: "Killed", point: str
) -> None:
    run = services.request_run(
        type="ledger.entries.v1",
        format="csv",
        asked=Parameters(marketplace=busy.id),
        actor=ACTOR,
    )
    assert worker(services.MAKE, run.pk, point=point) == DIED
    run.refresh_from_db()
    assert (run.state, run.stored_as, run.attempts) == ("RUNNING", "", 1)
    assert run.pk not in making.due()
    making.make(run.pk)  # its lease still holds
    run.refresh_from_db()
    assert run.attempts == 1
    Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(seconds=1))
    assert run.pk in making.due()
    making.make(run.pk)
    run.refresh_from_db()
    rows, tail = table(run)
    assert (run.state, run.attempts, len(rows)) == ("DONE", 2, run.rows_expected)
    assert tail[-1][:2] == ["#end", str(run.rows)]
    for left in keeping.scratch().iterdir():  # what the dead one had begun is swept by its age
        for file in left.iterdir():
            assert not file.read_bytes().endswith(b"#end") or point == "reports.kept"


def many(books: Books, postings: int) -> None:
    """A hundred thousand lines of the same kind, past the services: nothing else looks at them."""
    books.deposit(5, description="x" * 200)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "INSERT INTO ledger_posting (marketplace_id, entry_id, account_id, asset, amount,"
            " balance_after, account_version)"
            " SELECT p.marketplace_id, p.entry_id, p.account_id, p.asset, p.amount, 5, n + 1"
            " FROM ledger_posting p, generate_series(1, %s) n"
            " WHERE p.marketplace_id = %s",
            [postings // 2, books.id],
        )
        cursor.execute("SET session_replication_role = DEFAULT")


def test_a_hundred_thousand_rows_take_no_more_memory_than_a_few(books: Books) -> None:
    process, asked = psutil.Process(), Parameters(marketplace=books.id)

    def ask() -> Run:
        run = services.request_run(type="ledger.entries.v1", format="csv", asked=asked, actor=ACTOR)
        making.make(run.pk)
        return Run.objects.get(pk=run.pk)

    many(books, 1000)
    ask()
    before = process.memory_info().rss
    many_more = Books()
    asked = Parameters(marketplace=many_more.id)
    many(many_more, 100_000)
    run = ask()
    grown = (process.memory_info().rss - before) / MEGABYTE
    assert run.rows == 100_002
    assert run.bytes > 20 * MEGABYTE
    assert grown < 15, f"{grown:.0f} MB"
    body = io.StringIO(content(run).decode(), newline="")
    assert sum(1 for _ in csv.reader(body)) > 100_002
    storages["reports"].delete(run.stored_as)

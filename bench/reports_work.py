"""One piece of work of `bench.reports` in a process of its own; prints a line of JSON."""

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django
import psutil

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "offerhub.settings")
django.setup()

from django.db import connection  # noqa: E402
from psycopg import ClientCursor  # noqa: E402

from bench.reports_database import MARKET  # noqa: E402
from ledger import closing  # noqa: E402
from ledger.balances import trial_balance  # noqa: E402
from ledger.models import Account, Closing  # noqa: E402
from offerhub.core import clock  # noqa: E402
from offerhub.core.actor import system  # noqa: E402
from offerhub.desk import account  # noqa: E402
from offerhub.reports import making, services  # noqa: E402
from offerhub.reports.columns import Column, Format, Kind, select  # noqa: E402
from offerhub.reports.models import Run  # noqa: E402
from offerhub.reports.parameters import Parameters  # noqa: E402
from offerhub.reports.registry import TYPES  # noqa: E402

ACTOR = system("bench")
TURNS = 7
MEGABYTE = 1024 * 1024


def export(form: str) -> dict[str, Any]:
    """Make the ledger's file in a format: seconds, rows, bytes, and memory in megabytes."""
    name = "journal.beancount.v1" if form == "beancount" else "ledger.entries.v1"
    asked = Parameters(marketplace=MARKET)
    run = services.request_run(type=name, format=form, asked=asked, actor=ACTOR)
    before = psutil.Process().memory_info().rss
    began, cpu = time.perf_counter(), time.process_time()
    making.make(run.pk)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    run = Run.objects.get(pk=run.pk)
    assert run.state == "DONE", run.problem
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "seconds": seconds,
        "cpu": cpu,
        "rows": run.rows,
        "bytes": run.bytes,
        "before": before / MEGABYTE,
        "peak": peak / MEGABYTE,
    }


def queries() -> dict[str, str]:
    """The query of the CSV file as it is sent, and with texts as they are."""
    kind, asked = TYPES["ledger.entries.v1"], Parameters(marketplace=MARKET)
    connection.ensure_connection()
    bind = ClientCursor(connection.connection)
    plain = [
        Column(c.name, Kind.WORD if c.kind == Kind.TEXT else c.kind, c.sql, c.meaning)
        for c in kind.columns
    ]
    return {
        "written": bind.mogrify(kind.rows(select(kind.columns, Format.CSV), asked), asked.values),
        "plain": bind.mogrify(kind.rows(select(plain, Format.CSV), asked), asked.values),
    }


def reads() -> dict[str, float]:
    """Milliseconds of each read, the middle of some turns."""
    yesterday = clock.now().date() - timedelta(days=1)
    closing.close_days(marketplace_id=MARKET, through=yesterday - timedelta(days=49), actor=ACTOR)
    began = time.perf_counter()
    days = closing.sign_days(MARKET)
    signing = (time.perf_counter() - began) * 1000 / days
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    end = Closing.objects.latest("period__day").period.day + timedelta(days=1)
    closed = clock.now().replace(
        year=end.year, month=end.month, day=end.day, hour=0, minute=0, second=0, microsecond=0
    )
    any_instant = closed + timedelta(days=40, hours=7)
    return {
        "trial balance now": middle(lambda: trial_balance(MARKET)),
        "trial balance of a closed day": middle(lambda: trial_balance(MARKET, before=closed)),
        "trial balance of any instant": middle(lambda: trial_balance(MARKET, any_instant)),
        "trial balance as it was booked": middle(
            lambda: trial_balance(MARKET, any_instant, "recorded")
        ),
        "statement page of 10,000 lines": page("acc_a1"),
        "statement page of the longest": page("acc_a0"),
        "statement page of a rollup": page("acc_xlm"),
        "writing down and signing a day": signing,
    }


def page(account_id: str) -> float:
    """The queries of the first page of an account's statement."""

    def read() -> None:
        row = Account.objects.with_amount().get(pk=account_id)
        assert len(account._lines(row, Parameters(), None)) == account.PER_PAGE + 1

    return middle(read)


def middle(work: Callable[[], object]) -> float:
    """Milliseconds of the middle turn."""
    work()
    times = []
    for _ in range(TURNS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def main() -> None:
    """Do what was named."""
    what = sys.argv[1]
    found = queries() if what == "queries" else reads() if what == "reads" else export(what)
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()

"""Reports over a million postings: files beside COPY of the same query, memory, and reads.

    python -m bench reports --postings 1000000

The postings are written straight into a database of the bench's own. Each export runs in a process
of its own, so that its memory can be seen; psql writes the same query with COPY in the same round.
What counts are the ratios: the machine may be busy with other things.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from bench.ledger_database import ROOT, SERVER
from bench.reports_database import fill
from offerhub import postgres

DATABASE = "bench_reports"
POSTINGS, ROUNDS = 1_000_000, 3
# Limits: of COPY; megabytes that a report needs, and that its process has in all; milliseconds.
OF_COPY, OWN, RESIDENT, NOW, CLOSED, ANY = 1.5, 100, 200, 50, 100, 1000

Row = dict[str, Any]


def run(postings: int = POSTINGS, rounds: int = ROUNDS) -> list[Row]:
    """Every figure as {name, value, unit, ratio, limit}."""
    server = postgres.ensure_running(SERVER)
    try:
        url = _prepare(server, postings)
        with tempfile.TemporaryDirectory(prefix="offerhub-bench-") as folder:
            return [*_files(url, Path(folder), rounds), *_reads(url, Path(folder))]
    finally:
        postgres.stop_if_unused(SERVER)


def _prepare(server: str, postings: int) -> str:
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {DATABASE}")
    url = server.replace("/postgres?", f"/{DATABASE}?")
    migrate = [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"]
    subprocess.run(migrate, check=True, cwd=ROOT, env=os.environ | {"DATABASE_URL": url})
    with psycopg.connect(make_conninfo(server, dbname=DATABASE), autocommit=True) as session:
        fill(session, postings)
    return url


def _files(url: str, folder: Path, rounds: int) -> list[Row]:
    """CSV beside COPY in turns; the other formats once."""
    queries = _work(url, folder, "queries")
    copies, plains, exports = [], [], []
    for _ in range(rounds):
        copies.append(_copy(url, queries["written"]))
        exports.append(_work(url, folder, "csv"))
        plains.append(_copy(url, queries["plain"]))
    seconds = [one["seconds"] for one in exports]
    ratio = statistics.median(a / b for a, b in zip(seconds, copies, strict=True))
    plain = statistics.median(a / b for a, b in zip(seconds, plains, strict=True))
    best = min(exports, key=lambda one: float(one["seconds"]))
    found = [
        _row("psql COPY of the same query", min(copies), "s"),
        _row("psql COPY, texts as they are", min(plains), "s"),
        _row(f"CSV, {best['rows']:,} rows, totals and all", best["seconds"], "s", ratio, OF_COPY),
        _row("CSV beside COPY of texts as they are", best["seconds"], "s", plain),
        *_memory("CSV", best),
    ]
    for form in ("jsonl", "beancount", "xlsx"):
        one = _work(url, folder, form)
        of_copy = one["seconds"] / min(copies)
        found += [_row(form.upper(), one["seconds"], "s", of_copy), *_memory(form.upper(), one)]
    return found


def _memory(name: str, one: Row) -> list[Row]:
    grown = one["peak"] - one["before"]
    return [
        _row(f"{name}: resident at most", one["peak"], "MB", one["peak"] / RESIDENT, 1),
        _row(f"{name}: of it for the report", grown, "MB", grown / OWN, 1),
    ]


def _copy(url: str, query: str) -> float:
    """Seconds that psql takes to write a query's rows into a file."""
    with tempfile.NamedTemporaryFile() as file:
        began = time.perf_counter()
        command = [str(postgres.binaries() / "psql"), url, "-qAtc", f"COPY ({query}) TO STDOUT CSV"]
        subprocess.run(command, check=True, stdout=file, env=os.environ | {"PGOPTIONS": _SETTINGS})
        return time.perf_counter() - began


_SETTINGS = "-c work_mem=64MB"


def _reads(url: str, folder: Path) -> list[Row]:
    limits = {"trial balance now": NOW, "trial balance of a closed day": CLOSED}
    limits |= {"trial balance of any instant": ANY}
    found = []
    times = _work(url, folder, "reads")
    for name, ms in times.items():
        limit = limits.get(name)
        found.append(_row(name, ms, "ms", ms / limit if limit else None, 1 if limit else None))
    few, many = times["statement page of 10,000 lines"], times["statement page of the longest"]
    found.append(_row("statement: longest beside 10,000 lines", many, "ms", many / few, 1.5))
    return found


def _work(url: str, folder: Path, what: str) -> Row:
    """One piece of work in a process of its own."""
    environment = os.environ | {
        "DATABASE_URL": url,
        "REPORTS_DIR": str(folder / "kept"),
        "REPORTS_SCRATCH": str(folder / "unfinished"),
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "bench.reports_work", what]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    found: Row = json.loads(done.stdout.splitlines()[-1])
    return found


def _row(
    name: str, value: float, unit: str, ratio: float | None = None, limit: float | None = None
) -> Row:
    rounded = None if ratio is None else round(ratio, 2)
    return {"name": name, "value": round(value, 1), "unit": unit, "ratio": rounded, "limit": limit}

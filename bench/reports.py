"""Reports over a million postings: files beside COPY of the same query, memory, and reads.

    python -m bench reports --postings 1000000

The postings are written straight into a database of the bench's own. Each export runs in a process
of its own, so that its memory can be seen; psql writes the same query with COPY in the same round.
What counts are the ratios: the machine may be busy with other things.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from bench.ledger import server_cpu
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
    """CSV beside COPY in turns; the other formats once. Ratios are of processor time, the server's
    and the client's together: a busy machine stretches the wall's."""
    queries = _work(url, folder, "queries")
    turns = [
        {
            "copy": _measured(url, lambda: _copy(url, queries["written"])),
            "csv": _measured(url, lambda: _work(url, folder, "csv")),
            "plain": _measured(url, lambda: _copy(url, queries["plain"])),
        }
        for _ in range(rounds)
    ]
    best = {name: min((turn[name] for turn in turns), key=_cpu) for name in turns[0]}
    ratio = statistics.median(_cpu(turn["csv"]) / _cpu(turn["copy"]) for turn in turns)
    plain = statistics.median(_cpu(turn["csv"]) / _cpu(turn["plain"]) for turn in turns)
    found = [
        _row("psql COPY of the same query: CPU", _cpu(best["copy"]), "s"),
        _row("psql COPY of the same query", best["copy"]["seconds"], "s"),
        _row("psql COPY, texts as they are: CPU", _cpu(best["plain"]), "s"),
        _row("CSV, totals and all: CPU", _cpu(best["csv"]), "s", ratio, OF_COPY),
        _row("CSV beside COPY of texts as they are", _cpu(best["csv"]), "s", plain),
        *_others("CSV", best["csv"]),
    ]
    for form in ("jsonl", "beancount", "xlsx"):
        one = _measured(url, lambda form=form: _work(url, folder, form))  # type: ignore[misc]
        name, of_copy = form.upper(), _cpu(one) / _cpu(best["copy"])
        found += [_row(f"{name}: CPU", _cpu(one), "s", of_copy), *_others(name, one)]
    return found


def _others(name: str, one: Row) -> list[Row]:
    grown = one["peak"] - one["before"]
    return [
        _row(name, one["seconds"], "s"),
        _row(f"{name}: resident at most", one["peak"], "MB", one["peak"] / RESIDENT, 1),
        _row(f"{name}: of it for the report", grown, "MB", grown / OWN, 1),
    ]


def _cpu(one: Row) -> float:
    return float(one["cpu"] + one["server"])


def _measured(url: str, work: Callable[[], Row]) -> Row:
    """What a piece of work told, with the processor time of the server's connections."""
    before = server_cpu(url)
    found = work()
    time.sleep(0.5)  # until the server has seen its connections end
    return {**found, "server": server_cpu(url) - before}


def _copy(url: str, query: str) -> Row:
    """psql writes a query's rows into a file: seconds, and its own processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.NamedTemporaryFile() as file:
        began = time.perf_counter()
        command = [str(postgres.binaries() / "psql"), url, "-qAtc", f"COPY ({query}) TO STDOUT CSV"]
        subprocess.run(command, check=True, stdout=file, env=os.environ | {"PGOPTIONS": _SETTINGS})
        seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": cpu}


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

"""`make bench`: figures with what each cost, as ratios to a limit measured in the same run.

    python -m bench                    everything, four seconds a figure
    python -m bench --seconds 10 http  the API alone, longer
    python -m bench campaign --pledges 1000 --kill
                                       a campaign's settlement while the worker is killed
    python -m bench reports            files and reads over a million postings

The last results are kept in bench/results.json.
"""

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import http
from bench.instance import running
from bench.load import Figures

RESULTS = Path(__file__).with_name("results.json")
LIMIT = "nothing (GET /me)"
PARTS = ["ledger", "http", "desk", "budget", "reports", "verify", "streams", "webhooks"]
# Requests of one of our "lifecycle" turns, for its share of the limit.
REQUESTS_OF = {"whole lifecycle": 7}


def main() -> None:
    """Run what was asked for, print it, keep it."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "campaign", []], default=[])
    parser.add_argument("--seconds", type=float, default=4.0, help="of each figure (default: 4)")
    parser.add_argument("--postings", type=int, default=1_000_000, help="of reports")
    parser.add_argument("--pledges", type=int, default=200, help="of the campaign (default: 200)")
    parser.add_argument("--backers", type=int, default=100, help="of the campaign (default: 100)")
    parser.add_argument("--refund", action="store_true", help="call the campaign off")
    parser.add_argument("--kill", action="store_true", help="kill the worker every 10 seconds")
    parser.add_argument("--limit", type=int, default=0, help="the provider's requests per minute")
    options = parser.parse_args()
    parts = options.parts or PARTS
    console = Console()
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results |= {"machine": machine(), "at": datetime.now(UTC).isoformat()}
    console.print(f"{results['machine']}; rates are this machine's, ratios are what to compare")
    if "ledger" in parts:
        from bench import ledger

        results["ledger"] = ledger.run(options.seconds)
        _print_rows(console, "ledger", results["ledger"])
    if "http" in parts:
        results |= _http(console, options.seconds)
    if "verify" in parts:
        from bench import verify

        results["verify"] = verify.run()
        _print_rows(console, "verify", results["verify"])
    if "desk" in parts:
        from bench import desk

        results["desk"] = desk.run()
        _print_desk(console, results["desk"])
    if "campaign" in parts:
        from bench import campaign

        rows = campaign.run(
            options.pledges,
            backers=options.backers,
            refund=options.refund,
            kill=options.kill,
            limit=options.limit,
        )
        name = "campaign_limited" if options.limit else "campaign"
        results[name] = campaign.table(console, rows)
    if "budget" in parts:
        from bench import budget

        results["budget"] = budget.run()
        _print_budget(console, results["budget"])
    if "reports" in parts:
        from bench import reports

        results["reports"] = reports.run(options.postings)
        title = f"reports, {options.postings:,} postings"
        _print_rows(console, title, results["reports"])
    for part in ("streams", "webhooks"):
        if part in parts:
            results[part] = _events(part, options.seconds)
            console.print(f"[bold]{part}[/bold]")
            console.print_json(data=results[part])
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def _events(part: str, seconds: float) -> dict[str, Any]:
    from bench import streams, webhooks

    with running() as instance:
        if part == "streams":
            return streams.run(instance, seconds)
        return webhooks.run(instance)


def _print_desk(console: Console, rows: list[dict[str, Any]]) -> None:
    table = Table("the desk, 100,000 orders and 10,000 disputes", "ms", "of sign-in", "statements")
    for row in rows:
        numbers = (row["ms"], row["ratio"], row["statements"])
        table.add_row(row["name"], *(str(number) for number in numbers))
    console.print(table)


def _print_budget(console: Console, found: dict[str, Any]) -> None:
    table = Table("the provider's limit", "estimate s", "truth s", "off by")
    for row in found["rows"]:
        off = row["estimate"] / row["truth"] - 1
        table.add_row(row["name"], str(row["estimate"]), str(row["truth"]), f"{off:+.0%}")
    console.print(table)
    first, second = found["shares"]
    console.print(f"The two batches while both waited: {first} and {second} operations")
    meter = found["meter"]
    console.print(
        f"{meter['requests']} requests, {meter['refused']} refused; the most in any"
        f" {meter['seconds']:g} s: {meter['most']} of {meter['limit']}"
    )


def machine() -> str:
    """Processor, cores and Python, without a name that tells whose machine it is."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def _http(console: Console, seconds: float) -> dict[str, Any]:
    table = Table("", "clients", "per s", "of limit", "p50 ms", "p99 ms", "failed", "CPU ms each")
    rows: list[dict[str, Any]] = []
    limits: dict[int, float] = {}
    with running() as instance:
        for figures in http.run(instance, seconds):
            if figures.name == LIMIT:
                limits[figures.clients] = figures.rate
            rows.append(_row(figures, limits[figures.clients]))
            console.print(f"  {figures.name}, {figures.clients} clients: {figures.rate:.0f}/s")
            _add(table, rows[-1])
        resident = http.resident(instance)
    console.print(table)
    console.print("Resident MB: " + ", ".join(f"{k} {v:.0f}" for k, v in resident.items()))
    return {"http": rows, "resident_mb": {k: round(v) for k, v in resident.items()}}


def _row(figures: Figures, limit: float) -> dict[str, Any]:
    requests = figures.rate * REQUESTS_OF.get(figures.name, 1)
    return {
        "name": figures.name,
        "clients": figures.clients,
        "per_second": round(figures.rate, 1),
        "of_limit": round(requests / limit, 2),
        "p50_ms": round(figures.quantile(0.5), 1),
        "p99_ms": round(figures.quantile(0.99), 1),
        "failures": figures.failures,
        "cpu_ms": {role: round(cost, 2) for role, cost in figures.cpu.items()},
    }


def _add(table: Table, row: dict[str, Any]) -> None:
    cost = " ".join(f"{role} {ms}" for role, ms in row["cpu_ms"].items() if ms >= 0.01)
    table.add_row(
        row["name"],
        str(row["clients"]),
        f"{row['per_second']:.0f}",
        f"{row['of_limit']:.0%}",
        str(row["p50_ms"]),
        str(row["p99_ms"]),
        str(row["failures"]),
        cost,
    )


def _print_rows(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    table = Table(title, "value", "unit", "ratio", "limit")
    for row in rows:
        ratio = row.get("ratio")
        table.add_row(
            row["name"],
            f"{row['value']:.1f}",
            row["unit"],
            f"{ratio:.2f}" if ratio is not None else "",
            str(row.get("limit") or ""),
        )
    console.print(table)


if __name__ == "__main__":
    main()

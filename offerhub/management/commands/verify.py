"""`manage.py verify`: prove that the books are whole and agree with the chain."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from offerhub.chain.types import ChainUnavailable
from offerhub.reconciliation import seals
from offerhub.reconciliation.verification import FIRST_ROWS, PATIENCE, Checked, Report, Wanted
from offerhub.reconciliation.verification import verify as run

WRONG, UNASKED = 1, 2  # exit statuses: something is broken; it could not be asked


class Command(BaseCommand):
    help = (
        "Check everything that must hold: entries, balances, seals, orders and withdrawals against "
        "their accounts, the audit of staff actions, and what every wallet and contract holds on "
        "the chain. Nothing is locked or changed, so it may run beside everything else. The first "
        "bad rows of each kind are named.\n"
        "Exit status 0: all holds. 1: something is broken. 2: it could not be asked.\n"
        "Example: python manage.py verify --heads heads.txt"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--marketplace", default="", help="only this one (mkt_…)")
        parser.add_argument(
            "--books-only", action="store_true", help="ask the database alone, not the network"
        )
        parser.add_argument(
            "--heads",
            type=Path,
            help="a file of `manage.py heads` that was kept elsewhere: the journal must have them",
        )
        parser.add_argument("--json", action="store_true", help="one JSON document, no progress")
        parser.add_argument(
            "--limit", type=int, default=FIRST_ROWS, help="bad rows shown of each kind"
        )
        parser.add_argument(
            "--patience",
            type=float,
            default=PATIENCE,
            help="seconds that operations on their way have to arrive (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._progress = not options["json"] and sys.stderr.isatty()
        self._told_at = 0.0
        began = time.monotonic()
        try:
            heads = seals.read_heads(options["heads"].read_text()) if options["heads"] else []
            wanted = Wanted(
                marketplace_id=options["marketplace"],
                books_only=options["books_only"],
                limit=max(1, options["limit"]),
                heads=tuple(heads),
                patience=options["patience"],
            )
            tell = (lambda _: None) if options["json"] else self._tell
            report = run(wanted, tell, self._show_progress)
        except (ValueError, OSError) as error:
            raise CommandError(str(error), returncode=UNASKED) from None
        except ChainUnavailable as error:
            raise CommandError(
                f"The network could not be asked: {error}. --books-only checks the rest.",
                returncode=UNASKED,
            ) from None
        seconds = time.monotonic() - began
        if options["json"]:
            self.stdout.write(json.dumps(_document(report, seconds), indent=1, default=str))
        else:
            self._conclude(report, seconds)
        if report.broken:
            sys.exit(WRONG)

    def _tell(self, checked: Checked) -> None:
        self._clear()
        mark = "BROKEN" if checked.rows else "ok"
        self.stdout.write(f"{mark:7}{checked.name:36}{checked.seconds:7.1f} s")
        if not checked.rows:
            return
        self.stdout.write(f"       {checked.fact}")
        for row in checked.rows:
            shown = ", ".join(f"{name} {value}" for name, value in row.items())
            self.stdout.write(f"       - {shown}")
        if checked.more:
            self.stdout.write("       - and more; --limit shows them")

    def _show_progress(self, name: str, done: int, total: int) -> None:
        if self._progress and time.monotonic() - self._told_at > 0.5:
            self._told_at = time.monotonic()
            self.stderr.write(f"\r       {name}: {done:,} of {total:,}", ending="")

    def _clear(self) -> None:
        if self._progress and self._told_at:
            self.stderr.write("\r" + " " * 70 + "\r", ending="")

    def _conclude(self, report: Report, seconds: float) -> None:
        for notice in report.notices:
            self.stdout.write(f"       {notice}")
        if report.broken:
            names = ", ".join(each.name for each in report.broken)
            self.stdout.write(f"{len(report.broken)} facts do not hold: {names} ({seconds:.1f} s)")
        else:
            self.stdout.write(f"{len(report.checked)} facts hold ({seconds:.1f} s)")


def _document(report: Report, seconds: float) -> dict[str, Any]:
    return {
        "ok": not report.broken,
        "seconds": round(seconds, 2),
        "notices": report.notices,
        "facts": [
            {
                "name": each.name,
                "fact": each.fact,
                "ok": not each.rows,
                "rows": [{key: _plain(value) for key, value in row.items()} for row in each.rows],
                "more": each.more,
                "seconds": round(each.seconds, 2),
            }
            for each in report.checked
        ],
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value

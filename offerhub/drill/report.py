"""The report of a drill, for people."""

from collections.abc import Mapping
from decimal import Decimal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from offerhub.drill.money import Money
from offerhub.drill.play import Played
from offerhub.reconciliation.verification import Report


def deals(console: Console, played: Played, withdrawals: Mapping[str, int]) -> None:
    """What was played, and how it ended."""
    table = _table("Deals", ("", "ended", "number"))
    for kind, counter in played.ended.items():
        for state, count in counter.items():
            table.add_row(kind, state, f"{count:,}")
    for state, count in withdrawals.items():
        table.add_row("withdrawals", state, f"{count:,}")
    console.print(table)
    for line in [*played.wrong, *played.unfinished]:
        console.print(f"   [red]✗[/red] {escape(line)}")


def troubles(console: Console, found: Mapping[str, int]) -> None:
    """What went wrong on purpose."""
    table = _table("Trouble", ("", "number"))
    for name, count in sorted(found.items()):
        table.add_row(name, f"{count:,}")
    console.print(table)


def money(console: Console, found: Money) -> None:
    """Where it is, and that none is missing."""
    table = _table("Money, USDC", ("", "books", "chain", "difference"))
    for place in found.places:
        numbers = (place.books, place.chain, place.books - place.chain)
        table.add_row(place.name, *map(_amount, numbers))
    total = sum((place.chain for place in found.places), Decimal(0))
    table.add_section()
    table.add_row("came in", _amount(found.came_in), _amount(total), _amount(found.difference))
    console.print(table)


def facts(console: Console, report: Report) -> None:
    """What `manage.py verify` says."""
    for fact in report.broken:
        console.print(f"   [red]✗[/red] {fact.name}: {escape(fact.fact)}")
        for row in fact.rows:
            shown = ", ".join(f"{name} {value}" for name, value in row.items())
            console.print(f"      - {escape(shown)}")
    held = len(report.checked) - len(report.broken)
    console.print(f"   {held} of {len(report.checked)} facts hold")


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=title, box=None, padding=(0, 3), title_justify="left")
    for number, name in enumerate(columns):
        words = number == 0 or name == "ended"
        table.add_column(name, justify="left" if words else "right", no_wrap=True)
    return table


def _amount(value: Decimal) -> str:
    return f"{value:,.7f}"

"""A journal in the language of Beancount, with opening balances and assertions of all closing ones.

Balances before the period are one transaction (they sum to zero per asset by themselves), and after
the last one every account is asserted without any tolerance.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import ClientCursor

from ledger.chart import CHART, AccountKind, Element
from offerhub.core.shown import words
from offerhub.reports.writing.export import BLOCK, Export, Sink, seven_places

ROOTS = {
    Element.ASSET: "Assets",
    Element.LIABILITY: "Liabilities",
    Element.EQUITY: "Equity",
    Element.REVENUE: "Income",
    Element.EXPENSE: "Expenses",
}
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9-]")
_PLAIN_ASSET = re.compile(r"[A-Z][A-Z0-9]{0,11}", re.ASCII)

_WHEN = "e.{basis}_at"
_BOUNDS = (
    "SELECT min((e.{basis}_at AT TIME ZONE %(zone)s)::date),"
    " max((e.{basis}_at AT TIME ZONE %(zone)s)::date)"
    " FROM ledger_entry e WHERE e.marketplace_id = %(marketplace)s {period}"
)
_BALANCES = (
    "SELECT a.id, a.kind, a.owner, a.asset, sum(p.amount)::bigint FROM ledger_account a"
    " JOIN ledger_posting p ON p.account_id = a.id JOIN ledger_entry e ON e.id = p.entry_id"
    " WHERE a.marketplace_id = %(marketplace)s {before}"
    " GROUP BY a.id ORDER BY a.kind, a.owner, a.asset"
)
_ENTRIES = (
    "SELECT (e.{basis}_at AT TIME ZONE %(zone)s)::date, e.id, e.kind, e.source, e.description,"
    " e.recorded_at, e.operation, e.chain_hash, l.kinds, l.owners, l.assets, l.amounts"
    " FROM ledger_entry e CROSS JOIN LATERAL ("
    "  SELECT array_agg(a.kind::text ORDER BY p.id) AS kinds,"
    "   array_agg(a.owner::text ORDER BY p.id) AS owners,"
    "   array_agg(p.asset::text ORDER BY p.id) AS assets,"
    "   array_agg(p.amount ORDER BY p.id) AS amounts"
    "  FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id"
    "  WHERE p.entry_id = e.id) l"
    " WHERE e.marketplace_id = %(marketplace)s {period} ORDER BY e.number"
)
Row = tuple[Any, ...]


def write_beancount(export: Export, sink: Sink) -> int:
    """Write all of it; how many lines of entries there were."""
    pages = _Pages(export)
    first, last = pages.days()
    _head(export, sink)
    for commodity in sorted({asset for _, _, _, asset, _ in pages.balances(export.asked.end)}):
        sink.write(f'{first} commodity {named_asset(commodity)}\n  asset: "{commodity}"\n'.encode())
    for account, kind, owner, asset, _ in pages.balances(export.asked.end):
        line = f"{first} open {named_account(kind, owner)} {named_asset(asset)}\n"
        sink.write(f'{line}  account: "{account}"\n'.encode())
    if export.asked.start is not None:
        _opening(sink, first, pages.balances(export.asked.start))
    rows = 0
    for number, row in enumerate(pages.entries()):
        sink.write(_transaction(row).encode())
        rows += len(row[-1])
        if number % BLOCK == 0:
            export.tick(rows)
    sink.write(b"\n")
    for _, kind, owner, asset, amount in pages.balances(export.asked.end):
        name, what = named_account(kind, owner), named_asset(asset)
        sink.write(f"{last} balance {name} {seven_places(amount)} ~ 0 {what}\n".encode())
    _foot(export, sink, rows)
    export.tick(rows)
    return rows


class _Pages:
    """The queries of a journal, each streamed."""

    def __init__(self, export: Export) -> None:
        self.export = export

    def days(self) -> tuple[date, date]:
        """The day on which accounts are opened, and the one after the last entry."""
        asked = self.export.asked
        ((least, most),) = self._all(_BOUNDS)
        first = self._day(asked.start) if asked.start else least
        last = most
        if asked.end is not None:
            end = self._day(asked.end - timedelta(microseconds=1))
            last = max(last, end) if last else end
        today = self._day(self.export.made_at)
        first = min(first or last or today, last or today)
        return first, max(last or first, first) + timedelta(days=1)

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.export.asked.tz).date()

    def balances(self, before: datetime | None) -> Iterator[Row]:
        """Each account that had a line before an instant, and its balance on the debit side."""
        return self._all(_BALANCES, before=before)

    def entries(self) -> Iterator[Row]:
        """Each entry of the period with its lines."""
        return self._all(_ENTRIES)

    def _all(self, query: str, before: datetime | None = None) -> Iterator[Row]:
        asked, when = self.export.asked, _WHEN.format(basis=self.export.asked.basis)
        since = f"AND {when} >= %(start)s" if asked.start else ""
        until = f"AND {when} < %(end)s" if asked.end else ""
        reached = f"AND {when} < %(reached)s" if before else ""
        text = query.format(basis=asked.basis, period=f"{since} {until}", before=reached)
        values = {**asked.values, "reached": before}
        bound = ClientCursor(self.export.session).mogrify(text, values)
        with self.export.session.cursor(name="journal") as cursor:
            cursor.itersize = BLOCK
            cursor.execute(bound.encode())
            yield from cursor


def named_account(kind: str, owner: str) -> str:
    """`reserved`, `ord_01k9…` → `Liabilities:Reserved:Ord-01k9…`."""
    root = ROOTS[CHART[AccountKind(kind)].element]
    parts = [*kind.split(":")[-1:], *([owner] if owner else [])]
    return ":".join([root, *(_component(part) for part in parts)])


def _component(text: str) -> str:
    plain = _NOT_IN_A_NAME.sub("-", text)
    plain = plain if plain[:1].isalnum() else f"X{plain}"
    return plain[:1].upper() + plain[1:]


def named_asset(asset: str) -> str:
    """`USDC` as it is; `CODE:ISSUER` as the code and a digest, since commodities are short."""
    if _PLAIN_ASSET.fullmatch(asset):
        return asset
    code = re.sub(r"[^A-Z0-9]", "", asset.partition(":")[0].upper())[:12]
    return f"X{code}.{hashlib.sha256(asset.encode()).hexdigest()[:8].upper()}"


def quoted(text: str) -> str:
    """A string of Beancount's on one line."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    for plain, sign in (("\r", ""), ("\n", "\\n"), ("\t", "\\t")):
        escaped = escaped.replace(plain, sign)
    return f'"{escaped}"'


def _head(export: Export, sink: Sink) -> None:
    facts = "\n".join(f"; {name}: {value}" for name, value in export.facts())
    title = 'option "title" "Offerhub journal"\noption "operating_currency" "USDC"\n\n'
    sink.write(f"{facts}\n{title}".encode())


def _opening(sink: Sink, day: date, balances: Iterator[Row]) -> None:
    """All that was there before, as one transaction; none when there was nothing."""
    begun = False
    for _, kind, owner, asset, amount in balances:
        if amount == 0:
            continue
        if not begun:
            sink.write(f'\n{day} * "Opening balances"\n'.encode())
            begun = True
        sink.write(_posting(kind, owner, asset, amount).encode())


def _posting(kind: str, owner: str, asset: str, amount: int) -> str:
    return f"  {named_account(kind, owner)} {seven_places(amount)} {named_asset(asset)}\n"


def _transaction(row: Row) -> str:
    day, entry, kind, source, description, recorded, operation, chain_hash, *lines = row
    facts = {
        "entry": entry,
        "source": source,
        "recorded": recorded.isoformat(),
        "operation": operation,
        "transaction": chain_hash,
    }
    told = "".join(f"  {name}: {quoted(value)}\n" for name, value in facts.items() if value)
    postings = "".join(_posting(*line) for line in zip(*lines, strict=True))
    return f"\n{day} * {quoted(description or words(kind))}\n{told}{postings}"


def _foot(export: Export, sink: Sink, rows: int) -> None:
    for asset, name, value in export.figures():
        sink.write(f"; total {asset} {name} {value}\n".encode())
    sink.write(f"; end {rows}\n".encode())

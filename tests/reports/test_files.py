"""Files of every format hold every row, and their control totals are the ledger's."""

import io
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.db import connection

from ledger.balances import trial_balance
from ledger.models import Account, Posting
from offerhub.core.money import format_amount
from offerhub.reports.parameters import Parameters
from offerhub.reports.registry import TYPES
from offerhub.reports.writing import export, xlsx
from tests.ledger.conftest import Books
from tests.reports.conftest import content, make, records, table, totals

pytestmark = pytest.mark.usefixtures("kept")


def sums(marketplace: str) -> dict[tuple[str, str], Decimal]:
    """Of the ledger itself, per asset."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT asset, count(*), sum(greatest(amount, 0)), sum(greatest(-amount, 0))"
            " FROM ledger_posting WHERE marketplace_id = %s GROUP BY 1",
            [marketplace],
        )
        found = {}
        for asset, rows, debits, credits in cursor.fetchall():
            found[asset, "rows"] = Decimal(rows)
            found[asset, "debits"] = Decimal(debits) / 10**7
            found[asset, "credits"] = Decimal(credits) / 10**7
        return found


def added(rows: list[dict[str, Any]]) -> dict[tuple[str, str], Decimal]:
    """The same, added up from the rows that were read back."""
    found: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        asset = row["asset"]
        for name, value in (
            ("rows", "1"),
            ("debits", row["debit"]),
            ("credits", row["credit"]),
        ):
            key = (asset, name)
            found[key] = found.get(key, Decimal()) + Decimal(value or 0)
    return found


def test_ledger_entries_read_back_from_csv_are_the_ledgers(busy: Books) -> None:
    run = make("ledger.entries.v1", marketplace=busy.id)
    rows, tail = table(run)
    expected = sums(busy.id)
    assert added(rows) == {key: Decimal(v) for key, v in totals(tail).items()} == expected
    assert expected["USDC", "debits"] == expected["USDC", "credits"] > 0
    assert tail[-1][:2] == ["#end", str(Posting.objects.filter(marketplace=busy.id).count())]
    assert run.rows == run.rows_expected == len(rows)
    assert len(content(run)) == run.bytes


def test_ledger_entries_read_back_from_json_are_the_ledgers(busy: Books) -> None:
    rows, end = records(make("ledger.entries.v1", "jsonl", marketplace=busy.id))
    expected = sums(busy.id)
    assert added(rows) == expected
    told = {(a, n): Decimal(v) for a, figures in end["#totals"].items() for n, v in figures.items()}
    assert told == expected
    assert end["#end"] == len(rows)
    assert all(isinstance(row["debit"], str | None) for row in rows)


def test_ledger_entries_read_back_from_a_spreadsheet_are_the_ledgers(
    busy: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = xlsx.write_xlsx
    monkeypatch.setattr("offerhub.reports.making.write_xlsx", lambda e, path: full(e, path, most=8))
    run = make("ledger.entries.v1", "xlsx", marketplace=busy.id)
    book = openpyxl.load_workbook(io.BytesIO(content(run)))
    *sheets, last = book.sheetnames
    assert len(sheets) == -(-run.rows // 7) > 3
    rows: list[dict[str, Any]] = []
    for name in sheets:
        head, *body = book[name].iter_rows(values_only=True)
        assert head == tuple(c.name for c in TYPES["ledger.entries.v1"].columns)
        assert len(body) <= 7
        names = [str(cell) for cell in head]
        rows += [dict(zip(names, row, strict=True)) for row in body]
    assert last == "Totals"
    assert added(rows) == sums(busy.id)
    assert {type(row["debit"]) for row in rows} <= {str, type(None)}
    assert [cell.value for cell in book[last][book[last].max_row]][:2] == ["#end", str(len(rows))]


def test_the_trial_balance_is_that_of_the_books_now_and_then(busy: Books) -> None:
    for asked in ({}, {"at": "2100-01-01"}, {"at": "2100-01-01", "basis": "recorded"}):
        rows, tail = table(make("ledger.trial-balance.v1", marketplace=busy.id, **asked))
        found = {
            (row["account"], row["asset"]): Decimal(row["debit"]) - Decimal(row["credit"])
            for row in rows
        }
        expected = {
            (line.kind, line.asset): Decimal(line.debit - line.credit) / 10**7
            for line in trial_balance(busy.id)
        }
        assert found == expected, asked
        sides = totals(tail)
        assert sides["USDC", "debits"] == sides["USDC", "credits"]


def test_a_statement_ends_with_the_balance_of_the_account(busy: Books) -> None:
    for kind, owner in (("available", busy.buyer.pk), ("suspense", ""), ("xlm", "GFEE")):
        account = Account.objects.get(marketplace=busy.id, kind=kind, owner=owner)
        rows, tail = table(make("account.statement.v1", account=account.pk))
        held = busy.held(kind, owner, account.asset)
        assert Decimal(rows[-1]["balance"]) == Decimal(held) / 10**7, kind
        told = totals(tail)
        assert Decimal(told[account.asset, "closing"]) == Decimal(held) / 10**7
        assert Decimal(told[account.asset, "opening"]) == 0
    by_user = make("account.statement.v1", user="buyer", marketplace=busy.id)
    rows, _ = table(by_user)
    assert Decimal(rows[-1]["balance"]) == Decimal(busy.balance().available) / 10**7


def test_a_statement_begins_where_the_one_before_ended(busy: Books) -> None:
    account = Account.objects.get(marketplace=busy.id, kind="suspense")
    line = Posting.objects.filter(account=account).select_related("entry").latest("pk")
    at = line.entry.recorded_at.isoformat()
    busy.dust(5)
    _, before = table(make("account.statement.v1", account=account.pk, until=at))
    rows, after = table(make("account.statement.v1", account=account.pk, since=at))
    assert totals(before)["USDC", "closing"] == totals(after)["USDC", "opening"]
    assert totals(after)["USDC", "closing"] == rows[-1]["balance"] == "0.0000012"
    assert len(rows) == 2


def test_fees_are_the_fee_accounts(busy: Books) -> None:
    rows, tail = table(make("fees.v1", marketplace=busy.id))
    told = totals(tail)
    assert Decimal(told["USDC", "credits"]) == Decimal(busy.held("revenue:platform_fee")) / 10**7
    assert Decimal(told["XLM", "debits"]) == (
        Decimal(busy.held("expense:network_fee", "", "XLM")) / 10**7
    )
    assert {row["orderId"] for row in rows if row["asset"] == "USDC"} == {"ord_a"}


def test_filters_take_only_what_they_name(busy: Books) -> None:
    of_order, _ = table(make("ledger.entries.v1", marketplace=busy.id, order="ord_b"))
    assert {row["source"].split(":")[1] for row in of_order} == {"ord_b"}
    assert len(of_order) > 5
    of_user, _ = table(make("ledger.entries.v1", marketplace=busy.id, user="seller"))
    assert {row["userId"] for row in of_user} == {busy.seller.pk}
    of_kind, _ = table(make("ledger.entries.v1", marketplace=busy.id, kind="split", asset="USDC"))
    assert {(row["kind"], row["asset"]) for row in of_kind} == {("split", "USDC")}


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_type_makes_a_whole_file_in_each_of_its_formats(books: Books, name: str) -> None:
    kind = TYPES[name]
    asked = {"marketplace": books.id}
    if "account" in kind.needs:
        books.deposit(5)
        asked = {"account": Account.objects.get(marketplace=books.id, kind="available").pk}
    if "from" in kind.filters:
        asked |= {"since": "2030-01-01", "until": "2031-01-01"}
    for form in kind.formats:
        run = make(name, form, **asked)
        assert run.state == "DONE", (form, run.problem)
        if form == "csv":
            rows, tail = table(run)
            assert (rows == [] and tail[-1][:2] == ["#end", "0"]) or name.startswith("ledger.trial")
            assert tail[0][:2] == ["#report", name]


def test_seven_places_are_those_of_the_database() -> None:
    for amount in (0, 1, -1, 10_000_000, -12_345_678_901, 2**63 - 1):
        assert Decimal(export.seven_places(amount)) == Decimal(amount) / 10**7
        assert Decimal(format_amount(amount)) == Decimal(export.seven_places(amount))


def test_totals_are_summed_from_the_lines_alone_where_no_filter_needs_more(books: Books) -> None:
    kind = TYPES["ledger.entries.v1"]
    assert "ledger_entry" not in kind.sums(Parameters(marketplace="m", asset="USDC"))
    for asked in ({"since": "2026-01-01"}, {"user": "u"}, {"order": "o"}, {"kind": "deposit"}):
        assert "ledger_entry" in kind.sums(Parameters(marketplace="m", **asked)), asked
    assert "ledger_entry" in kind.sums(Parameters(marketplace="m"), "SELECT 1")

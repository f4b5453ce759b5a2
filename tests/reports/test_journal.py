"""The journal loads in Beancount without an error, and its balances are ours."""

from decimal import Decimal
from typing import Any

import pytest
from beancount import loader
from beancount.core import realization

from ledger.chart import account_name
from ledger.models import Account
from offerhub.reports.writing.beancount import named_account, named_asset
from tests.ledger.conftest import Books
from tests.reports.conftest import content, make

pytestmark = pytest.mark.usefixtures("kept")


def loaded(text: str) -> tuple[list[Any], list[Any]]:
    entries, errors, _ = loader.load_string(text)
    return entries, errors


def balances(entries: list[Any]) -> dict[tuple[str, str], Decimal]:
    """What Beancount computes for each account and commodity."""
    root: Any = realization.realize(entries)  # type: ignore[no-untyped-call]
    return {
        (account.account, position.units.currency): position.units.number
        for account in realization.iter_children(root)  # type: ignore[no-untyped-call]
        for position in account.balance
    }


def ours(books: Books) -> dict[tuple[str, str], Decimal]:
    """What our books hold, on the debit side."""
    rows: Any = Account.objects.filter(marketplace=books.id).with_amount()
    return {
        (named_account(row.kind, row.owner), named_asset(row.asset)): amount
        for row in rows
        if (amount := Decimal(row.amount * row.side) / 10**7)
    }


def test_the_whole_journal_leads_to_our_balances(busy: Books) -> None:
    run = make("journal.beancount.v1", "beancount", marketplace=busy.id)
    entries, errors = loaded(content(run).decode())
    assert errors == []
    assert balances(entries) == ours(busy)
    kinds = [type(entry).__name__ for entry in entries]
    assert (
        kinds.count("Balance")
        == kinds.count("Open")
        == Account.objects.filter(marketplace=busy.id).count()
    )
    assert run.rows == run.rows_expected


def test_a_journal_of_a_period_opens_with_what_was_there_before(busy: Books) -> None:
    busy.deposit(3)
    today = busy_day(busy)
    run = make("journal.beancount.v1", "beancount", marketplace=busy.id, since=today)
    entries, errors = loaded(content(run).decode())
    assert errors == []
    assert balances(entries) == ours(busy)


def busy_day(books: Books) -> str:
    """An instant in the middle of what happened."""
    from ledger.models import Entry

    middle = Entry.objects.filter(marketplace=books.id).order_by("number")[4]
    return middle.effective_at.isoformat()


def test_a_journal_that_lost_one_stroop_does_not_load(busy: Books) -> None:
    text = content(make("journal.beancount.v1", "beancount", marketplace=busy.id)).decode()
    lost = text.replace("200.0000001 USDC", "200.0000000 USDC", 2)
    assert lost != text
    _, errors = loaded(lost)
    assert errors
    without, _, _ = text.partition('* "Release"')
    rest = text[text.index("\n\n", len(without)) :]
    _, errors = loaded(without.rsplit("\n", 1)[0] + rest)
    assert errors


def test_names_are_those_of_the_chart() -> None:
    assert named_account("reserved", "ord_1a") == "Liabilities:Reserved:Ord-1a"
    assert named_account("revenue:platform_fee", "") == "Income:Platform-fee"
    assert named_account("xlm", "GABC") == "Assets:Xlm:GABC"
    assert account_name("xlm", "GABC") == "xlm:GABC"
    other = named_asset("usdc:GABC")
    assert other != named_asset("USDC:GABC") and len(other) <= 24
    assert named_asset("USDC") == "USDC"


def test_an_empty_journal_loads(books: Books) -> None:
    run = make("journal.beancount.v1", "beancount", marketplace=books.id)
    assert loaded(content(run).decode())[1] == []
    assert run.rows == 0

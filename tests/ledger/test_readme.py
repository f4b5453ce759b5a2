"""What README.md tells is what the code and the database do."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from ledger import movements
from ledger.chart import CHART, Element, Mode, Owner
from ledger.kinds import EntryKind
from ledger.models import Posting
from ledger.services import Posted
from tests.ledger.conftest import ACTOR, Books, fact

README = (Path(__file__).resolve().parents[2] / "ledger/README.md").read_text()


def table(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = re.search(r"(?:^\|.*\n)+", section, re.M)
    assert rows is not None
    return [
        [cell.strip().replace("`", "") for cell in row.strip("|").split("|")]
        for row in rows.group().splitlines()[2:]
    ]


def test_the_chart_of_accounts_is_the_chart() -> None:
    told = {row[0]: (row[1], row[2], row[3], row[4], row[5]) for row in table("Chart of accounts")}
    assert told == {
        f"{line.kind}:{{{line.owner}}}" if line.owner else str(line.kind): (
            line.element,
            "debit" if line.element.side == 1 else "credit",
            line.mode,
            "" if line.floor is None else str(line.floor),
            line.mirrors,
        )
        for line in CHART.values()
    }


def test_the_database_has_the_same_chart(committed: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, element, side, mode, floor, owned, hold FROM ledger_chart()")
        rows = cursor.fetchall()
    assert rows == [
        (
            line.kind,
            line.element,
            line.element.side,
            line.mode,
            line.floor,
            line.owner != Owner.NONE,
            line.owner in (Owner.ORDER, Owner.WITHDRAWAL),
        )
        for line in CHART.values()
    ]
    assert {line.mode for line in CHART.values()} == set(Mode)
    assert {line.element for line in CHART.values()} == set(Element)


def test_the_database_knows_the_same_kinds_of_entries(committed: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT unnest(ledger_entry_kinds())")
        assert [row[0] for row in cursor.fetchall()] == EntryKind.values


def test_the_guards_name_the_holds_of_the_chart() -> None:
    from ledger.chart import HOLDS

    holds = "('reserved', 'escrow', 'pending')"
    assert holds == str(tuple(kind.value for kind in HOLDS))
    sql = Path(__file__).resolve().parents[2] / "ledger/sql"
    for file in ("post.sql", "guards.sql"):
        for found in re.findall(r"kind (?:NOT )?IN (\([^)]*\))", (sql / file).read_text()):
            assert found == holds


def common(books: Books, **more: Any) -> dict[str, Any]:
    """Arguments that most movements take."""
    return {"marketplace_id": books.id, "actor": ACTOR, **more}


def order(books: Books) -> dict[str, Any]:
    """Arguments about the buyer's order."""
    return common(books, user_id=books.buyer.id, order_id="ord_1", amount=50, asset="USDC")


def withdrawal(books: Books) -> dict[str, Any]:
    """Arguments about the buyer's withdrawal."""
    return common(books, user_id=books.buyer.id, withdrawal_id="w_1", amount=10, asset="USDC")


PAID: dict[str, Any] = {"operation_id": "op", "fee_address": ""}

MOVEMENTS: dict[str, Callable[[Books], Posted | None]] = {
    "deposit": lambda b: b.deposit(100),
    "deposit_to_suspense": lambda b: movements.deposit_to_suspense(
        **common(b, address="G", asset="EURC:G", amount=1, source="s", fact=fact(), reason="")
    ),
    "suspense_assigned": lambda b: movements.suspense_assigned(
        **common(b, deposit_id="dep_1", user_id=b.buyer.id, amount=1, asset="USDC", fact=fact()),
        **PAID,
        from_address="GPLATFORM",
        to_address="GBUYER",
        holder="platform",
    ),
    "suspense_returned": lambda b: movements.suspense_returned(
        **common(b, deposit_id="dep_2", amount=1, asset="USDC", fact=fact()),
        **PAID,
        from_address="GPLATFORM",
        holder="platform",
    ),
    "reserve": lambda b: movements.reserve(**order(b)),
    "unreserve": lambda b: movements.unreserve(**order(b)),
    "escrow_funded": lambda b: movements.escrow_funded(
        **order(b) | {"order_id": "ord_2"},
        **PAID,
        buyer_address="GBUYER",
        contract="CONTRACT",
        fact=fact(),
    ),
    "settlement": lambda b: movements.settlement(
        **common(b, order_id="ord_2", user_id=b.buyer.id, asset="USDC", gross=50, fact=fact()),
        **PAID,
        contract="CONTRACT",
        source="order:ord_2:release",
        payouts=[movements.Payout(b.seller.id, "GSELLER", 45)],
        platform_address="GPLATFORM",
        platform_fee=4,
        protocol_fee=1,
        kind="release",
    ),
    "refund_fees_reimbursed": lambda b: movements.refund_fees_reimbursed(
        **common(b, order_id="ord_2", milestone_id="mil_1", asset="USDC", fact=fact()),
        **PAID,
        payout=movements.Payout(b.buyer.id, "GBUYER", 3),
        platform_address="GPLATFORM",
        platform_fee=2,
        protocol_fee=1,
    ),
    "withdrawal_requested": lambda b: movements.withdrawal_requested(**withdrawal(b)),
    "withdrawal_returned": lambda b: movements.withdrawal_returned(**withdrawal(b)),
    "withdrawal_confirmed": lambda b: movements.withdrawal_confirmed(
        **withdrawal(b) | {"withdrawal_id": "w_2"}, **PAID, address="GBUYER", fact=fact()
    ),
    "network_fee": lambda b: movements.network_fee(
        **common(b, operation_id="op", fee_address="G", fact=fact())
    ),
    "capital_in": lambda b: movements.capital_in(**common(b, address="G", amount=1, source="c")),
    "fee_money_moved": lambda b: movements.fee_money_moved(
        **common(b, from_address="G", to_address="H", amount=1, source="f", fact=fact()), **PAID
    ),
}


def prepare(books: Books) -> None:
    """What the movements need to have happened before."""
    books.deposit(500)
    books.reserve("ord_2", 50)
    with transaction.atomic():
        movements.withdrawal_requested(**withdrawal(books) | {"withdrawal_id": "w_2"})


def test_the_table_of_movements_is_what_is_posted(books: Books) -> None:
    told = {row[0]: (row[1], row[2]) for row in table("Movements")}
    assert told.pop("reversal") == ("everything negated", "everything negated")
    prepare(books)
    posted: dict[str, tuple[str, str]] = {}
    for name, movement in MOVEMENTS.items():
        with transaction.atomic():
            entry = movement(books)
        assert entry is not None
        lines = list(Posting.objects.filter(entry=entry.entry_id).select_related("account"))
        posted[name] = (
            ", ".join(line.account.kind for line in lines if line.amount > 0),
            ", ".join(line.account.kind for line in lines if line.amount < 0),
        )
    assert {name: tuple(map(_set, sides)) for name, sides in posted.items()} == {
        name: tuple(map(_set, sides)) for name, sides in told.items()
    }
    books.assert_sound()


def _set(kinds: str) -> frozenset[str]:
    return frozenset(kinds.split(", "))


FILES = ("ledger.movements", "ledger.suspended", "ledger.reversals", "ledger.reimbursing")


def test_every_public_movement_is_in_the_table() -> None:
    public = {
        name
        for name, value in vars(movements).items()
        if callable(value)
        and not name.endswith("_legs")
        and getattr(value, "__module__", "") in FILES
    }
    assert public == {row[0] for row in table("Movements")}


@pytest.mark.parametrize("name", ["movements", "services", "balances", "invariants", "jobs"])
def test_the_files_that_are_named_exist(name: str) -> None:
    assert f"`{name}.py`" in README
    assert (Path(__file__).resolve().parents[2] / f"ledger/{name}.py").exists()

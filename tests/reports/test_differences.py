"""Differences between books and chain, as finance takes them away."""

from datetime import timedelta

import pytest
from stellar_sdk import Keypair

from offerhub.core import clock
from offerhub.core.errors import InvalidRequest
from offerhub.reconciliation.models import Difference
from offerhub.users.models import Wallet
from tests.ledger.conftest import Books
from tests.reports.conftest import make, table, totals


def _difference(shop: Books, owner: str, **more: object) -> Difference:
    values = {"kind": "wallet", "asset": "USDC", "type": "MISSING", "ledger": 1234, **more}
    return Difference.objects.create(marketplace_id=shop.id, owner=owner, **values)


def test_differences_are_told_with_both_sides_their_age_and_what_waits(books: Books) -> None:
    address = Keypair.random().public_key
    wallet = Wallet.objects.create(
        marketplace_id=books.id, user=books.buyer, kind="EXTERNAL", address=address
    )
    lines = {"since": 1, "lines": [{"hash": "ab" * 32}, {"hash": "cd" * 32}]}
    found = _difference(
        books, wallet.address, books=10_000_000, chain=10_000_001, evidence=lines, note="=1+1"
    )
    over = _difference(
        books, "GELSEWHERE", type="AMOUNT", books=50_000_000, chain=20_000_000, asset="XLM"
    )
    Difference.objects.filter(pk=found.pk).update(created_at=clock.now() - timedelta(days=9.5))
    Difference.objects.filter(pk=over.pk).update(
        created_at=clock.now() - timedelta(days=3), ended_at=clock.now(), status="CLOSED"
    )
    rows, tail = table(make("reconciliation.differences.v1", marketplace=books.id))
    assert [(row["differenceId"], row["amount"], row["ageDays"]) for row in rows] == [
        (found.pk, "0.0000001", "9"),
        (over.pk, "-3.0000000", "3"),
    ]
    first = rows[0]
    assert (first["books"], first["chain"]) == ("1.0000000", "1.0000001")
    assert (first["userId"], first["transactions"]) == (books.buyer.id, "2")
    assert (first["note"], first["endedAt"], first["orderId"]) == ("'=1+1", "", "")
    told = totals(tail)
    assert (told["USDC", "rows"], told["USDC", "waiting"]) == ("1", "0.0000001")
    assert (told["XLM", "amount"], told["XLM", "waiting"]) == ("-3.0000000", "0.0000000")

    asked = {"marketplace": books.id, "status": "CLOSED", "kind": "AMOUNT"}
    rows, _ = table(make("reconciliation.differences.v1", **asked))
    assert [row["differenceId"] for row in rows] == [over.pk]
    rows, _ = table(
        make("reconciliation.differences.v1", user=books.buyer.id, marketplace=books.id)
    )
    assert [row["differenceId"] for row in rows] == [found.pk]
    assert table(make("reconciliation.differences.v1", marketplace=Books().id))[0] == []
    with pytest.raises(InvalidRequest):
        make("reconciliation.differences.v1", at="2026-10-01")

"""Posting: one statement, once per fact, all or nothing, and refusals by name."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from ledger import movements, services
from ledger.chart import AccountKind as K
from ledger.errors import LedgerRefused, NoTransaction, PeriodClosed, SourceReused, Unbalanced
from ledger.kinds import EntryKind
from ledger.legs import Leg, credit, debit
from ledger.models import Account, Entry, Period, Posting
from ledger.services import Draft, Posted, open_account, post, post_many
from offerhub.core import clock
from offerhub.core.errors import InsufficientFunds
from tests.ledger.conftest import ACTOR, Books, address, fact
from tests.statements import Statements


def capital(books: Books, amount: int, source: str = "c1", **more: Any) -> Posted:
    """An entry between two rollup accounts."""
    legs = [debit(K.XLM, "G1", amount, "XLM"), credit(K.CAPITAL, "", amount, "XLM")]
    fields: dict[str, Any] = {
        "kind": EntryKind.CAPITAL,
        "source": source,
        "legs": legs,
        "actor": ACTOR,
    }
    with transaction.atomic():
        return post(marketplace_id=books.id, **(fields | more))


def test_posting_is_one_statement(books: Books) -> None:
    books.deposit(1000)
    with (
        transaction.atomic(),
        Statements(
            connection,
        ) as queries,
    ):
        movements.reserve(
            marketplace_id=books.id,
            user_id=books.buyer.id,
            order_id="ord_1",
            amount=10,
            asset="USDC",
            actor=ACTOR,
        )
        assert len(queries) == 1


def test_posting_many_is_one_statement(books: Books) -> None:
    drafts = [_deposit_draft(books, f"d{i}", 10) for i in range(25)]
    with transaction.atomic(), Statements(connection) as queries:
        posted = post_many(drafts)
        assert len(queries) == 1
    assert [p.replayed for p in posted] == [False] * 25
    assert books.balance().available == 250
    entries = Entry.objects.in_bulk([p.entry_id for p in posted])
    assert [entries[p.entry_id].source for p in posted] == [f"d{i}" for i in range(25)]
    books.assert_sound()


def _deposit_draft(books: Books, source: str, amount: int) -> Draft:
    return Draft(
        marketplace_id=books.id,
        kind=EntryKind.DEPOSIT,
        source=source,
        legs=[
            debit(K.WALLET, address(books.buyer), amount, "USDC"),
            credit(K.AVAILABLE, books.buyer.id, amount, "USDC", books.buyer.id),
        ],
        actor=ACTOR,
    )


def test_many_are_posted_all_or_none(books: Books) -> None:
    short = Draft(
        marketplace_id=books.id,
        kind=EntryKind.RESERVE,
        source="r",
        legs=[
            debit(K.AVAILABLE, books.buyer.id, 11, "USDC", books.buyer.id),
            credit(K.RESERVED, "ord_1", 11, "USDC", books.buyer.id),
        ],
        actor=ACTOR,
    )
    with pytest.raises(InsufficientFunds), transaction.atomic():
        post_many([_deposit_draft(books, "d", 10), short])
    assert not Entry.objects.filter(marketplace=books.id).exists()


def test_no_entries_are_no_statement(books: Books) -> None:
    with transaction.atomic(), Statements(connection) as queries:
        assert post_many([]) == []
        assert len(queries) == 0


def test_a_batch_has_a_limit_and_an_entry_too(books: Books) -> None:
    draft = _deposit_draft(books, "d", 1)
    with transaction.atomic(), pytest.raises(ValueError, match="at most 1000"):
        post_many([draft] * 1001)
    legs = [debit(K.XLM, f"G{i}", 1, "XLM") for i in range(100)]
    with pytest.raises(ValueError, match="at most 100"):
        capital(books, 1, legs=[*legs, credit(K.CAPITAL, "", 100, "XLM")])


def test_outside_a_transaction_nothing_is_posted(books: Books) -> None:
    with pytest.raises(NoTransaction):
        movements.capital_in(
            marketplace_id=books.id, address="G1", amount=1, source="c", actor=ACTOR
        )
    with pytest.raises(NoTransaction):
        post_many([_deposit_draft(books, "d", 1)])
    with pytest.raises(NoTransaction):
        open_account(
            marketplace_id=books.id, kind="contract", owner="C", asset="USDC", user_id=None
        )


def test_the_same_fact_again_answers_the_first_entry(books: Books) -> None:
    same = fact()
    first = books.deposit(700, source="deposit:1", fact=same)
    again = books.deposit(700, source="deposit:1", fact=same)
    assert (again.entry_id, again.replayed, first.replayed) == (first.entry_id, True, False)
    assert books.balance().available == 700


def test_who_tells_it_does_not_make_it_another_fact(books: Books) -> None:
    capital(books, 5)
    assert capital(books, 5, description="again", meta={"a": 1}, operation_id="op").replayed


def test_the_order_of_the_legs_does_not_make_it_another_fact(books: Books) -> None:
    capital(books, 5)
    legs = [credit(K.CAPITAL, "", 5, "XLM"), debit(K.XLM, "G1", 5, "XLM")]
    assert capital(books, 5, legs=legs).replayed


@pytest.mark.parametrize("change", ["amount", "account", "kind", "hash"])
def test_a_source_with_other_content_is_refused(books: Books, change: str) -> None:
    capital(books, 5)
    other: dict[str, dict[str, Any]] = {
        "amount": {},
        "account": {
            "legs": [debit(K.XLM, "G2", 5, "XLM"), credit(K.CAPITAL, "", 5, "XLM")],
        },
        "kind": {"kind": EntryKind.FEE_MONEY},
        "hash": {"fact": fact()},
    }
    with pytest.raises(SourceReused, match="c1 is in the books with other content"):
        capital(books, 6 if change == "amount" else 5, **other[change])
    assert Entry.objects.filter(marketplace=books.id).count() == 1


def test_another_marketplace_may_use_the_same_source(books: Books) -> None:
    other = Books()
    assert not capital(books, 5).replayed
    assert not capital(other, 6).replayed


def test_a_shortage_says_what_was_there_and_what_was_asked(books: Books) -> None:
    books.deposit(120_000_000)
    with pytest.raises(InsufficientFunds) as caught:
        books.reserve("ord_1", 200_000_001)
    assert caught.value.extra == {"available": "12.00", "requested": "20.0000001"}
    assert f"available:{books.buyer.id} holds 12.00 USDC" in caught.value.detail
    assert books.balance().available == 120_000_000


def test_a_shortage_of_an_account_that_was_never_there_is_a_shortage(books: Books) -> None:
    with pytest.raises(InsufficientFunds) as caught:
        books.reserve("ord_1", 1)
    assert caught.value.extra == {"available": "0.00", "requested": "0.0000001"}


def test_the_last_stroop_can_be_spent_and_not_one_more(books: Books) -> None:
    books.deposit(10)
    books.reserve("ord_1", 10)
    with pytest.raises(InsufficientFunds):
        books.reserve("ord_2", 1)
    books.assert_sound()


def test_the_largest_amount_of_the_chain_is_exact(books: Books) -> None:
    most = 2**63 - 1
    books.deposit(most)
    books.reserve("ord_1", most)
    assert books.balance().reserved == most
    with pytest.raises(Exception, match="out of range"):
        books.deposit(most, user=books.buyer)
    books.assert_sound()


def test_legs_that_do_not_balance_are_refused_before_the_database(books: Books) -> None:
    with transaction.atomic(), Statements(connection) as queries:
        for legs in (
            [debit(K.XLM, "G1", 5, "XLM"), credit(K.CAPITAL, "", 4, "XLM")],
            [debit(K.XLM, "G1", 5, "XLM"), credit(K.CAPITAL, "", 5, "USDC")],
            [debit(K.XLM, "G1", 5, "XLM"), credit(K.XLM, "G1", 5, "XLM")],
            [],
        ):
            with pytest.raises(Unbalanced):
                capital_legs(books, legs)
        assert len(queries) == 0


def capital_legs(books: Books, legs: list[Leg]) -> Posted:
    """Post legs inside the present transaction."""
    return post(marketplace_id=books.id, kind=EntryKind.CAPITAL, source="u", legs=legs, actor=ACTOR)


def test_the_function_itself_refuses_what_does_not_balance(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_assert_balanced", lambda *_: None)
    for legs in (
        [debit(K.XLM, "G1", 5, "XLM"), credit(K.CAPITAL, "", 4, "XLM")],
        [debit(K.XLM, "G1", 5, "XLM")],
        [debit(K.XLM, "G1", 5, "XLM"), credit(K.CAPITAL, "", 5, "USDC")],
    ):
        with pytest.raises(Unbalanced), transaction.atomic():
            capital_legs(books, legs)


def test_legs_on_one_account_become_one_line(books: Books) -> None:
    legs = [
        debit(K.XLM, "G1", 5, "XLM"),
        debit(K.XLM, "G1", 2, "XLM"),
        credit(K.CAPITAL, "", 7, "XLM"),
        debit(K.SUSPENSE, "", 3, "XLM"),
        credit(K.SUSPENSE, "", 3, "XLM"),
    ]
    posted = capital(books, 0, legs=legs)
    assert books.lines(posted) == {("xlm", "G1", 7), ("owner:capital", "", -7)}


def test_an_account_of_somebody_else_is_refused(books: Books) -> None:
    books.deposit(100)
    books.reserve("ord_1", 50)
    with pytest.raises(LedgerRefused), transaction.atomic():
        movements.unreserve(
            marketplace_id=books.id,
            user_id=books.seller.id,
            order_id="ord_1",
            amount=50,
            asset="USDC",
            actor=ACTOR,
        )


def test_accounts_are_made_once_and_kept(books: Books) -> None:
    for order in ("ord_1", "ord_2"):
        books.deposit(100)
        books.reserve(order, 10)
    kinds = Account.objects.filter(marketplace=books.id).values_list("kind", flat=True)
    assert sorted(kinds) == ["available", "reserved", "reserved", "wallet"]


def test_an_opened_account_is_empty_and_opening_it_again_is_harmless(books: Books) -> None:
    for _ in range(2):
        with transaction.atomic(), Statements(connection) as queries:
            open_account(
                marketplace_id=books.id, kind="contract", owner="C1", asset="USDC", user_id=None
            )
            assert len(queries) == 1
    account = Account.objects.get(marketplace=books.id)
    assert (account.kind, account.owner, account.balance.version) == ("contract", "C1", 0)
    books.assert_sound()


def test_an_opened_hold_is_closed_until_there_is_money_in_it(books: Books) -> None:
    with transaction.atomic():
        open_account(
            marketplace_id=books.id,
            kind="reserved",
            owner="ord_1",
            asset="USDC",
            user_id=books.buyer.id,
        )
    assert not Account.objects.get(kind="reserved", marketplace=books.id).open
    books.deposit(100)
    books.reserve("ord_1", 10)
    assert Account.objects.get(kind="reserved", marketplace=books.id).open
    books.unreserve("ord_1", 10)
    assert not Account.objects.get(kind="reserved", marketplace=books.id).open
    books.assert_sound()


def test_rollup_accounts_have_no_live_row(books: Books) -> None:
    posted = capital(books, 5)
    lines = Posting.objects.filter(entry=posted.entry_id)
    assert {(line.balance_after, line.account_version) for line in lines} == {(None, None)}
    assert not Account.objects.filter(marketplace=books.id, balance__isnull=False).exists()


def test_an_entry_keeps_what_the_chain_said_and_who_posted_it(books: Books) -> None:
    told = fact(at=datetime(2026, 3, 1, 12, tzinfo=UTC))
    entry = Entry.objects.get(pk=books.deposit(5, fact=told, description="rent").entry_id)
    assert (entry.chain_hash, entry.chain_ledger) == (told.hash, told.ledger)
    assert (entry.effective_at, entry.description) == (told.closed_at, "rent")
    assert (entry.actor, entry.request_id) == ("system:test", "req-1")
    assert abs(entry.recorded_at - clock.now()) < timedelta(minutes=5)


def close(books: Books, day: str) -> None:
    """A day whose books are shut."""
    Period.objects.create(
        marketplace=books.marketplace, day=day, closed_by="test", closed_at=clock.now()
    )


def test_nothing_is_dated_into_a_closed_day(books: Books) -> None:
    close(books, "2026-03-01")
    with pytest.raises(PeriodClosed, match="2026-03-01"):
        capital(books, 5, effective_at=datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC))
    capital(books, 5, effective_at=datetime(2026, 3, 2, tzinfo=UTC))


def test_a_late_chain_fact_is_posted_today_and_keeps_its_true_time(books: Books) -> None:
    close(books, "2026-03-01")
    told = fact(at=datetime(2026, 3, 1, 12, tzinfo=UTC))
    posted = books.deposit(5, fact=told, source="late")
    entry = Entry.objects.get(pk=posted.entry_id)
    assert entry.effective_at == entry.recorded_at
    assert datetime.fromisoformat(entry.meta["effectiveAt"]) == told.closed_at
    assert books.deposit(5, fact=told, source="late").replayed


def test_a_fact_told_again_after_its_day_was_closed_is_still_known(books: Books) -> None:
    when = datetime(2026, 3, 1, tzinfo=UTC)
    capital(books, 5, effective_at=when)
    close(books, "2026-03-01")
    assert capital(books, 5, effective_at=when).replayed


def test_an_account_id_made_by_the_database_reads_like_all_others(books: Books) -> None:
    from offerhub.core.ids import ALPHABET, new_id

    before = new_id("acc")
    books.deposit(5)
    ids = Account.objects.filter(marketplace=books.id).values_list("pk", flat=True)
    for made in ids:
        number = 0
        for digit in made.removeprefix("acc_"):
            number = number * 32 + ALPHABET.index(digit)
        assert (len(made), number >> 128, number >> 76 & 15, number >> 62 & 3) == (30, 0, 7, 2)
        assert before[:12] <= made[:12] <= new_id("acc")[:12]

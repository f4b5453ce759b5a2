"""Reads: one statement each, and the same cost however long the history."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import QueryDict

from ledger.balances import account_balance, balance_of, trial_balance, user_balances
from ledger.chart import AccountKind as K
from ledger.jobs import take_checkpoints
from ledger.models import Account, Entry, Posting
from ledger.services import post_many
from offerhub.api.pagination import page
from offerhub.core import clock
from offerhub.core.errors import NotFound
from tests.ledger.conftest import Books, fact
from tests.ledger.test_posting import _deposit_draft
from tests.statements import Statements


def test_a_users_balance_is_one_statement_and_tells_all_four_parts(books: Books) -> None:
    books.deposit(1000)
    for order in ("ord_1", "ord_2"):
        books.reserve(order, 100)
    books.fund("ord_2", 100)
    with Statements(connection) as queries:
        balance = books.balance()
    assert len(queries) == 1
    assert (balance.available, balance.reserved, balance.in_escrow) == (800, 100, 100)
    assert (balance.pending_withdrawal, balance.total) == (0, 1000)
    assert abs(balance.as_of - clock.now()) < timedelta(minutes=5)


def test_a_user_without_accounts_has_nothing(books: Books) -> None:
    assert books.balance().total == 0


def test_a_balance_is_only_told_to_the_users_own_marketplace(books: Books) -> None:
    books.deposit(5)
    assert balance_of(books.id, books.buyer.id, "USDC").available == 5
    for marketplace, user in ((Books().id, books.buyer.id), (books.id, "usr_unknown")):
        with pytest.raises(NotFound):
            balance_of(marketplace, user, "USDC")


def test_many_users_are_one_statement(books: Books) -> None:
    books.deposit(5)
    books.deposit(7, user=books.seller)
    ids = [books.buyer.id, books.seller.id]
    with Statements(connection) as queries:
        found = user_balances(ids, "USDC")
    assert len(queries) == 1
    assert [found[i].available for i in ids] == [5, 7]


def test_a_balance_reads_live_holds_and_no_ended_ones(books: Books) -> None:
    books.deposit(1000)
    books.reserve("ord_live", 1)
    for i in range(30):
        books.reserve(f"ord_{i}", 10)
        books.unreserve(f"ord_{i}", 10)
    opened = Account.objects.filter(user=books.buyer, open=True)
    assert opened.count() == 2
    assert Account.objects.filter(user=books.buyer).count() == 32
    plan = explain("SELECT 1 FROM ledger_account WHERE user_id = %s AND open", [books.buyer.id])
    assert "account_open_of_user" in plan
    assert books.balance().reserved == 1


def explain(query: str, parameters: list[Any]) -> str:
    """The plan, when sequential scans are not to be had."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {query}", parameters)
        return "\n".join(row[0] for row in cursor.fetchall())


def many(books: Books, count: int) -> list[datetime]:
    """Deposits of 1, 2, 3 … stroops, and when each was booked."""
    with transaction.atomic():
        posted = post_many([_deposit_draft(books, f"d{i:04}", i) for i in range(1, count + 1)])
    entries = Entry.objects.in_bulk([p.entry_id for p in posted])
    return [entries[p.entry_id].recorded_at for p in posted]


def test_a_statement_is_one_query_and_every_line_has_its_balance(books: Books) -> None:
    many(books, 50)
    with Statements(connection) as queries:
        page = list(Posting.objects.statement(books.buyer.id, "USDC")[:20])
    assert len(queries) == 1
    assert [line.account_version for line in page] == list(range(50, 30, -1))
    assert [line.balance_after for line in page] == [n * (n + 1) // 2 for n in range(50, 30, -1)]
    assert page[0].entry.source == "d0050"


def test_a_page_of_a_statement_reads_its_own_lines_and_no_others(books: Books) -> None:
    many(books, 400)
    page = Posting.objects.statement(books.buyer.id, "USDC").filter(account_version__lt=200)[:20]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        query, parameters = page.query.sql_with_params()
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS OFF) {query}", parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "posting_version_once" in plan
    assert "Sort" not in plan
    assert "actual" in plan
    assert "rows=400" not in plan


def test_a_statement_can_be_cut_by_date(books: Books) -> None:
    times = many(books, 30)
    cut = Posting.objects.statement(books.buyer.id, "USDC", start=times[9], end=times[19])
    assert [line.account_version for line in cut] == list(range(19, 9, -1))
    assert not Posting.objects.statement(books.buyer.id, "USDC", end=times[0]).exists()
    assert Posting.objects.statement(books.buyer.id, "USDC", start=times[29]).count() == 1


def test_an_account_is_told_as_of_any_instant(books: Books) -> None:
    times = many(books, 30)
    account: dict[str, Any] = {"kind": K.AVAILABLE, "owner": books.buyer.id}
    assert books.held(**account, at=times[0] - timedelta(seconds=1)) == 0
    for n in (1, 2, 15, 30):
        assert books.held(**account, at=times[n - 1]) == n * (n + 1) // 2
    assert books.held(**account, at=times[29] + timedelta(days=9)) == books.held(**account) == 465


def test_the_past_of_a_live_account_is_found_by_halving(books: Books) -> None:
    times = many(books, 500)
    with transaction.atomic(), connection.cursor() as cursor:
        account = Account.objects.get(user=books.buyer, kind="available").pk
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        before = _reads(cursor)
        cursor.execute("SELECT ledger_version_at(%s, %s)", [account, times[77]])
        assert cursor.fetchone() == (78,)
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        assert _reads(cursor) - before <= 60  # nine halvings, and what the planner looks at


def _reads(cursor: Any) -> int:
    cursor.execute(
        "SELECT coalesce(sum(idx_tup_fetch + seq_tup_read), 0) FROM pg_stat_xact_user_tables"
        " WHERE relname IN ('ledger_posting', 'ledger_entry')"
    )
    return int(cursor.fetchone()[0])


def test_an_account_that_is_not_there_holds_nothing(books: Books) -> None:
    assert books.held("suspense") == 0
    assert books.held("wallet", "GNOBODY", at=clock.now()) == 0


def test_a_rollup_is_its_checkpoint_and_what_came_since(books: Books) -> None:
    books.deposit(1000)
    books.reserve("ord_1", 900)
    books.fund("ord_1", 900)
    books.settle("ord_1", gross=300, seller=280, platform=20, milestone="m1")
    assert take_checkpoints(patience=20, least=1) >= 3
    books.settle("ord_1", gross=300, seller=270, platform=30, milestone="m2")
    now = clock.now()
    assert books.held("revenue:platform_fee") == 50
    assert books.held("revenue:platform_fee", at=now + timedelta(minutes=1)) == 50
    assert books.held("revenue:platform_fee", at=now - timedelta(days=1)) == 0
    amounts = Account.objects.with_amount().filter(marketplace=books.id, mode="rollup")
    assert {str(a): vars(a)["amount"] for a in amounts} == {
        "revenue:platform_fee": 50,
        "expense:network_fee": 300,
        "xlm:GFEE": -300,
    }
    books.assert_sound()


def test_the_trial_balance_has_equal_sides_and_says_what_is_where(books: Books) -> None:
    books.deposit(1000)
    books.reserve("ord_1", 900)
    books.fund("ord_1", 900)
    books.settle("ord_1", gross=300, seller=279, platform=20, protocol=1, milestone="m1")
    with Statements(connection) as queries:
        lines = trial_balance(books.id)
    assert len(queries) == 1
    told = {(line.kind, line.asset): (line.debit, line.credit) for line in lines}
    assert told == {
        (K.AVAILABLE, "USDC"): (0, 379),
        (K.CONTRACT, "USDC"): (600, 0),
        (K.ESCROW, "USDC"): (0, 600),
        (K.NETWORK_FEE, "XLM"): (200, 0),
        (K.PLATFORM, "USDC"): (20, 0),
        (K.PLATFORM_FEE, "USDC"): (0, 20),
        (K.RESERVED, "USDC"): (0, 0),
        (K.WALLET, "USDC"): (379, 0),
        (K.XLM, "XLM"): (0, 200),
    }
    for asset in ("USDC", "XLM"):
        of_asset = [line for line in lines if line.asset == asset]
        assert sum(x.debit for x in of_asset) == sum(x.credit for x in of_asset)


def test_the_trial_balance_of_an_instant_counts_by_event_or_by_booking(books: Books) -> None:
    books.deposit(10, fact=fact(at=datetime(2026, 1, 5, tzinfo=UTC)))
    books.deposit(20, fact=fact(at=datetime(2026, 1, 9, tzinfo=UTC)))
    seventh = datetime(2026, 1, 7, tzinfo=UTC)

    def owed(at: datetime, basis: Any) -> int:
        lines = trial_balance(books.id, at, basis)
        return sum(line.amount for line in lines if line.kind == K.AVAILABLE)

    assert owed(seventh, "effective") == 10
    assert owed(datetime(2026, 1, 9, tzinfo=UTC), "effective") == 30
    assert owed(seventh, "recorded") == 0
    assert owed(clock.now() + timedelta(minutes=1), "recorded") == 30
    assert account_balance(
        marketplace_id=books.id, kind="wallet", owner="GBUYER", asset="USDC"
    ) == owed(clock.now() + timedelta(minutes=1), "recorded")


def test_the_pages_of_the_api_walk_a_statement_without_gap_or_repetition(books: Books) -> None:
    many(books, 12)
    seen: list[int] = []
    query = QueryDict("limit=5")
    while True:
        rows = Posting.objects.statement(books.buyer.id, "USDC")
        told = page(rows, query, lambda line: vars(line), key="account_version", parse=int)
        seen += [line["account_version"] for line in told["data"]]
        if not told["hasMore"]:
            break
        query = QueryDict(f"limit=5&cursor={told['nextCursor']}")
    assert seen == list(range(12, 0, -1))

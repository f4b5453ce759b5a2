"""Many at once: threads with connections of their own, started at one barrier."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.db import connection, transaction

from ledger import movements
from ledger.chart import AccountKind as K
from ledger.kinds import EntryKind
from ledger.legs import credit, debit
from ledger.models import Account, Entry
from ledger.services import Draft, post, post_many
from offerhub.core.db import in_transaction
from offerhub.core.errors import InsufficientFunds
from tests.ledger.conftest import ACTOR, Books, address, fact


def together(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run all at the same time; what each answered, or the exception it raised."""
    barrier = threading.Barrier(len(works))
    outcomes: list[Any] = [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        connection.ensure_connection()
        try:
            barrier.wait(timeout=30)
            outcomes[place] = work()
        except Exception as error:
            outcomes[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes


def test_of_32_who_reserve_a_balance_for_one_exactly_one_succeeds(books: Books) -> None:
    books.deposit(100)
    outcomes = together([partial(books.reserve, f"ord_{i}", 60) for i in range(32)])
    kinds = Counter(type(outcome).__name__ for outcome in outcomes)
    assert kinds == {"Posted": 1, "InsufficientFunds": 31}
    assert all(
        outcome.extra == {"available": "0.000004", "requested": "0.000006"}
        for outcome in outcomes
        if isinstance(outcome, InsufficientFunds)
    )
    assert (books.balance().available, books.balance().reserved) == (40, 60)
    books.assert_sound()


def test_one_fact_told_16_times_at_once_is_posted_once(books: Books) -> None:
    told = fact()
    outcomes = together([lambda: books.deposit(100, source="deposit:1", fact=told)] * 16)
    assert Counter(outcome.replayed for outcome in outcomes) == {False: 1, True: 15}
    assert len({outcome.entry_id for outcome in outcomes}) == 1
    assert books.balance().available == 100
    books.assert_sound()


def test_a_fact_that_spends_everything_is_a_replay_to_the_late_and_no_shortage(
    books: Books,
) -> None:
    books.deposit(100)
    outcomes = together([lambda: books.reserve("ord_1", 100)] * 8)
    assert Counter(outcome.replayed for outcome in outcomes) == {False: 1, True: 7}
    books.assert_sound()


def test_one_source_with_two_contents_is_posted_once_and_refused_once(books: Books) -> None:
    outcomes = together([partial(books.deposit, n, source="deposit:1") for n in (1, 2)])
    kinds = Counter(type(outcome).__name__ for outcome in outcomes)
    assert kinds == {"Posted": 1, "SourceReused": 1}
    assert Entry.objects.filter(marketplace=books.id).count() == 1
    books.assert_sound()


def test_many_who_need_the_same_new_accounts_share_them(books: Books) -> None:
    outcomes = together([lambda: books.deposit(5) for _ in range(16)])
    assert {type(outcome).__name__ for outcome in outcomes} == {"Posted"}
    assert Account.objects.filter(marketplace=books.id).count() == 2
    assert books.balance().available == 80
    books.assert_sound()


def transfer(books: Books, source: str, debited: str, credited: str) -> Draft:
    """One stroop from one user's available money to another's."""
    return Draft(
        marketplace_id=books.id,
        kind=EntryKind.RESERVE,
        source=source,
        legs=[
            debit(K.AVAILABLE, debited, 1, "USDC", debited),
            credit(K.AVAILABLE, credited, 1, "USDC", credited),
        ],
        actor=ACTOR,
    )


def test_opposite_directions_do_not_deadlock(books: Books) -> None:
    books.deposit(1000)
    books.deposit(1000, user=books.seller)
    pairs = [(books.buyer.id, books.seller.id), (books.seller.id, books.buyer.id)]

    def work(place: int) -> int:
        debited, credited = pairs[place % 2]
        for round_ in range(15):
            with transaction.atomic():
                post_many([transfer(books, f"t:{place}:{round_}", debited, credited)])
        return place

    assert together([partial(work, i) for i in range(8)]) == list(range(8))
    assert books.balance().available == books.balance(books.seller).available == 1000
    books.assert_sound()


def test_batches_that_name_accounts_in_opposite_orders_do_not_deadlock(books: Books) -> None:
    users = [books.user(f"u{i}") for i in range(6)]
    for user in users:
        books.deposit(1000, user=user)
    ids = [user.id for user in users]

    def work(place: int) -> int:
        order = ids if place % 2 else list(reversed(ids))
        for round_ in range(6):
            drafts = [
                transfer(books, f"b:{place}:{round_}:{i}", order[i], order[i + 1])
                for i in range(len(order) - 1)
            ]
            with transaction.atomic():
                post_many(drafts)
        return place

    assert together([partial(work, i) for i in range(6)]) == list(range(6))
    books.assert_sound()


def test_a_service_that_locks_in_the_wrong_order_is_run_again(books: Books) -> None:
    """Two postings in each transaction, in opposite orders: one is ended by the database."""
    books.deposit(1000)
    books.deposit(1000, user=books.seller)
    both = threading.Barrier(2)
    attempts: list[int] = []

    @in_transaction
    def work(place: int) -> int:
        attempts.append(place)
        pair = (books.buyer.id, books.seller.id)
        for step in (0, 1):
            user = pair[(place + step) % 2]
            other = f"ord_{place}_{step}"
            draft = transfer(books, f"w:{place}:{step}", user, user)
            legs = [draft.legs[0], credit(K.RESERVED, other, 1, "USDC", user)]
            post(
                marketplace_id=books.id,
                kind=EntryKind.RESERVE,
                source=f"w:{place}:{step}",
                legs=legs,
                actor=ACTOR,
            )
            if step == 0 and len(attempts) <= 2:
                both.wait(timeout=10)
        return place

    assert together([lambda: work(0), lambda: work(1)]) == [0, 1]
    assert sorted(attempts[:2]) == [0, 1]
    assert attempts[2:]  # one of them again; a slow machine may end both
    assert books.balance().reserved == books.balance(books.seller).reserved == 2
    books.assert_sound()


def test_withdrawals_reservations_and_deposits_of_one_user_lose_nothing(books: Books) -> None:
    books.deposit(500)
    for i in range(8):
        books.reserve(f"ord_{i}", 10)

    def withdraw(i: int) -> None:
        with transaction.atomic():
            movements.withdrawal_requested(
                marketplace_id=books.id,
                user_id=books.buyer.id,
                withdrawal_id=f"wdr_{i}",
                amount=10,
                asset="USDC",
                actor=ACTOR,
            )

    works: list[Callable[[], Any]] = []
    for i in range(8):
        works += [
            partial(books.deposit, 10),
            partial(books.unreserve, f"ord_{i}", 10),
            partial(withdraw, i),
        ]
    assert not [outcome for outcome in together(works) if isinstance(outcome, Exception)]
    balance = books.balance()
    assert (balance.available, balance.reserved, balance.pending_withdrawal) == (500, 0, 80)
    assert books.held("wallet", address(books.buyer)) == 580
    books.assert_sound()

"""The database refuses, whoever writes: straight SQL against every guard of the books."""

import psycopg
import pytest
from django.db import transaction

from ledger.models import Entry
from tests.ledger.conftest import Books, Hand

KEPT, UNBALANCED, CLOSED = "OH006", "OH004", "OH003"
CHECK, FOREIGN_KEY, UNIQUE = "23514", "23503", "23505"


def entry(books: Books, name: str = "ent_hand", kind: str = "reserve") -> str:
    """SQL for an entry's row."""
    return (
        "INSERT INTO ledger_entry (id, marketplace_id, kind, source, fingerprint, effective_at,"
        " recorded_at, description, operation, chain_hash, actor, request_id, meta) VALUES"
        f" ('{name}', '{books.id}', '{kind}', '{name}', '', now(), now(), '', '', '', '', '',"
        " '{}')"
    )


def line(
    books: Books, account: str, amount: int, after: int, version: int, name: str = "ent_hand"
) -> str:
    """SQL for a line, with the balance and version that it claims."""
    return (
        "INSERT INTO ledger_posting (marketplace_id, entry_id, account_id, asset, amount,"
        f" balance_after, account_version) VALUES ('{books.id}', '{name}', '{account}', 'USDC',"
        f" {amount}, {after}, {version})"
    )


def move(account: str, amount: int, version: int) -> str:
    """SQL for a change of a balance."""
    return (
        f"UPDATE ledger_balance SET amount = {amount}, version = {version}"
        f" WHERE account_id = '{account}'"
    )


def accounts(books: Books, hand: Hand) -> tuple[str, str]:
    """The ids of the buyer's wallet and available accounts, which hold 500 at version 1."""
    books.deposit(500)
    rows = hand.run(
        "SELECT id FROM ledger_account WHERE marketplace_id = %s ORDER BY kind DESC",
        parameters=[books.id],
    )
    return rows[0][0], rows[1][0]


def test_an_entry_by_hand_that_follows_every_rule_is_taken(books: Books, hand: Hand) -> None:
    wallet, available = accounts(books, hand)
    hand.run(
        entry(books, "ent_fine" + books.id[4:20]),
        line(books, wallet, 5, 505, 2, "ent_fine" + books.id[4:20]),
        line(books, available, -5, 505, 2, "ent_fine" + books.id[4:20]),
        move(wallet, 505, 2),
        move(available, 505, 2),
    )
    assert books.balance().available == 505


def test_an_entry_that_does_not_sum_to_zero_is_refused_at_commit(books: Books, hand: Hand) -> None:
    wallet, available = accounts(books, hand)
    refused = hand.refused(
        entry(books),
        line(books, wallet, 5, 505, 2),
        line(books, available, -4, 504, 2),
        move(wallet, 505, 2),
        move(available, 504, 2),
    )
    assert refused == UNBALANCED


def test_an_entry_without_lines_is_refused(books: Books, hand: Hand) -> None:
    assert hand.refused(entry(books)) == UNBALANCED


def test_zero_in_sum_but_not_per_asset_is_refused(books: Books, hand: Hand) -> None:
    wallet, _ = accounts(books, hand)
    books.deposit(5, asset="EURC", user=books.seller)
    (euros,) = hand.run(
        "SELECT id FROM ledger_account WHERE marketplace_id = %s AND asset = 'EURC'"
        " AND kind = 'available'",
        parameters=[books.id],
    )[0]
    refused = hand.refused(
        entry(books),
        line(books, wallet, 5, 505, 2),
        line(books, euros, -5, 10, 2).replace("'USDC'", "'EURC'"),
        move(wallet, 505, 2),
        move(euros, 10, 2),
    )
    assert refused == UNBALANCED


def test_lines_cannot_join_the_entry_of_another_transaction(books: Books, hand: Hand) -> None:
    posted = books.deposit(500)
    wallet, available = accounts(books, hand)
    refused = hand.refused(
        line(books, wallet, 5, 1005, 3, posted.entry_id),
        line(books, available, -5, 1005, 3, posted.entry_id),
    )
    assert refused == KEPT


def test_an_entry_cannot_name_another_transaction(books: Books, hand: Hand) -> None:
    wallet, available = accounts(books, hand)
    forged = entry(books).replace("meta)", "meta, transaction_id)").replace("'{}')", "'{}', '3')")
    assert hand.refused(forged, line(books, wallet, 5, 505, 2)) == KEPT
    _ = available


def test_a_line_without_its_balance_is_refused(books: Books, hand: Hand) -> None:
    wallet, available = accounts(books, hand)
    refused = hand.refused(
        entry(books), line(books, wallet, 5, 505, 2), line(books, available, -5, 505, 2)
    )
    assert refused == KEPT


def test_a_line_of_a_live_account_must_carry_its_version(books: Books, hand: Hand) -> None:
    wallet, available = accounts(books, hand)
    bare = [
        line(books, account, amount, 0, 0).replace(" 0, 0)", " NULL, NULL)")
        for account, amount in ((wallet, 5), (available, -5))
    ]
    assert hand.refused(entry(books), *bare) == KEPT


@pytest.mark.parametrize(("amount", "version"), [(501, 1), (501, 2), (500, 2), (499, 1), (0, 0)])
def test_a_balance_cannot_be_set(books: Books, hand: Hand, amount: int, version: int) -> None:
    _, available = accounts(books, hand)
    assert hand.refused(move(available, amount, version)) == KEPT


def test_a_balance_cannot_move_by_more_than_its_line(books: Books, hand: Hand) -> None:
    wallet, available = accounts(books, hand)
    refused = hand.refused(
        entry(books),
        line(books, wallet, 5, 600, 2),
        line(books, available, -5, 600, 2),
        move(wallet, 600, 2),
        move(available, 600, 2),
    )
    assert refused == KEPT


def test_a_balance_cannot_skip_a_version(books: Books, hand: Hand) -> None:
    wallet, available = accounts(books, hand)
    refused = hand.refused(
        entry(books),
        line(books, wallet, 5, 505, 3),
        line(books, available, -5, 505, 3),
        move(wallet, 505, 3),
        move(available, 505, 3),
    )
    assert refused == KEPT


def test_a_version_is_used_once(books: Books, hand: Hand) -> None:
    wallet, _ = accounts(books, hand)
    assert hand.refused(entry(books), line(books, wallet, 5, 505, 1)) == UNIQUE


def test_a_floor_and_a_side_cannot_be_changed(books: Books, hand: Hand) -> None:
    _, available = accounts(books, hand)
    for change in ("floor = NULL", "floor = -100", "side = 1", "account_id = 'acc_x'"):
        state = hand.refused(f"UPDATE ledger_balance SET {change} WHERE account_id = '{available}'")
        assert state == (FOREIGN_KEY if "account_id" in change else KEPT)


def test_a_balance_below_its_floor_is_refused(books: Books, hand: Hand) -> None:
    wallet, available = accounts(books, hand)
    refused = hand.refused(
        entry(books),
        line(books, wallet, -501, -1, 2),
        line(books, available, 501, -1, 2),
        move(wallet, -1, 2),
    )
    assert refused == CHECK


def test_a_line_of_zero_is_refused(books: Books, hand: Hand) -> None:
    wallet, _ = accounts(books, hand)
    assert hand.refused(entry(books), line(books, wallet, 0, 500, 2)) == CHECK


def test_a_line_cannot_name_another_asset_than_its_account(books: Books, hand: Hand) -> None:
    wallet, _ = accounts(books, hand)
    wrong = line(books, wallet, 5, 505, 2).replace("'USDC'", "'XLM'")
    assert hand.refused(entry(books), wrong) == FOREIGN_KEY


def test_a_line_cannot_reach_into_another_marketplace(books: Books, hand: Hand) -> None:
    other = Books()
    wallet, _ = accounts(other, hand)
    assert hand.refused(entry(books), line(books, wallet, 5, 505, 2)) == FOREIGN_KEY
    assert hand.refused(entry(books), line(other, wallet, 5, 505, 2)) == FOREIGN_KEY


@pytest.mark.parametrize(
    "table", ["entry", "posting", "period", "snapshot", "seal", "account", "balance"]
)
def test_nothing_can_be_emptied(books: Books, hand: Hand, table: str) -> None:
    for statement in (f"TRUNCATE ledger_{table} CASCADE", f"TRUNCATE ledger_{table}, ledger_entry"):
        with pytest.raises(psycopg.Error) as caught:
            hand.run("SET LOCAL lock_timeout = '20s'", statement)
        assert caught.value.sqlstate in (KEPT, "0A000")  # or refused as a key's target


@pytest.fixture
def shut(books: Books, hand: Hand) -> Books:
    """Books with one row in every table that is kept."""
    accounts(books, hand)
    hand.run(
        "INSERT INTO ledger_period (marketplace_id, day, closed_by, closed_at)"
        f" VALUES ('{books.id}', '2020-01-01', 'test', offerhub_now())",
        "INSERT INTO ledger_snapshot (period_id, account_id, opening, debit, credit, closing)"
        " SELECT p.id, a.id, 0, 0, 0, 0 FROM ledger_period p, ledger_account a"
        f" WHERE p.marketplace_id = '{books.id}' AND a.marketplace_id = '{books.id}' LIMIT 1",
        "INSERT INTO ledger_seal (marketplace_id, first_number, last_number, entries, previous,"
        f" digest) SELECT '{books.id}', min(number), max(number), count(*), '', 'x'"
        f" FROM ledger_entry WHERE marketplace_id = '{books.id}'",
    )
    return books


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("entry", "description = 'x'"),
        ("posting", "amount = amount + 1"),
        ("period", "closed_by = 'x'"),
        ("snapshot", "closing = 1"),
        ("seal", "entries = 9"),
    ],
)
def test_what_is_written_stays(shut: Books, hand: Hand, table: str, change: str) -> None:
    which = f"WHERE marketplace_id = '{shut.id}'"
    if table == "snapshot":
        which = f"WHERE account_id IN (SELECT id FROM ledger_account {which})"
    assert hand.refused(f"UPDATE ledger_{table} SET {change} {which}") == KEPT
    assert hand.refused(f"DELETE FROM ledger_{table} {which}") == KEPT


def test_accounts_and_balances_are_never_deleted(books: Books, hand: Hand) -> None:
    accounts(books, hand)
    mine = f"(SELECT id FROM ledger_account WHERE marketplace_id = '{books.id}')"
    assert hand.refused(f"DELETE FROM ledger_balance WHERE account_id IN {mine}") == KEPT
    assert hand.refused(f"DELETE FROM ledger_account WHERE id IN {mine}") == KEPT


@pytest.mark.parametrize(
    "change",
    [
        "owner = 'other'",
        "kind = 'escrow'",
        "asset = 'XLM'",
        "side = -side",
        "floor = NULL",
        "mode = 'rollup'",
        "user_id = NULL",
        "marketplace_id = 'mkt_other'",
    ],
)
def test_of_an_account_nothing_changes(books: Books, hand: Hand, change: str) -> None:
    books.deposit(5)
    books.reserve("ord_1", 5)
    update = (
        f"UPDATE ledger_account SET {change} WHERE kind = 'reserved'"
        f" AND marketplace_id = '{books.id}'"
    )
    assert hand.refused(update) == KEPT


def test_a_hold_cannot_be_closed_while_there_is_money_in_it(books: Books, hand: Hand) -> None:
    books.deposit(5)
    books.reserve("ord_1", 5)
    update = (
        "UPDATE ledger_account SET open = false WHERE kind = 'reserved'"
        f" AND marketplace_id = '{books.id}'"
    )
    assert hand.refused(update) == KEPT


def test_an_available_account_is_always_open(books: Books, hand: Hand) -> None:
    books.deposit(5)
    assert hand.refused(
        "UPDATE ledger_account SET open = false WHERE kind = 'available'"
        f" AND marketplace_id = '{books.id}'"
    ) in (CHECK, KEPT)


def make(books: Books, columns: str) -> str:
    """SQL for an account's row: kind, owner, user, side, floor, mode."""
    return (
        "INSERT INTO ledger_account (id, marketplace_id, asset, kind, owner, user_id, side, floor,"
        f" mode, open) VALUES ('acc_hand', '{books.id}', 'USDC', {columns}, true)"
    )


@pytest.mark.parametrize(
    "columns",
    [
        "'treasure', 'x', NULL, 1, NULL, 'rollup'",  # no such kind
        "'suspense', '', NULL, 1, NULL, 'rollup'",  # the other side
        "'suspense', 'x', NULL, -1, NULL, 'rollup'",  # an owner too many
        "'adjustment', '', NULL, 1, NULL, 'rollup'",  # an owner missing
        "'suspense', '', NULL, -1, NULL, 'live'",  # the other mode, and no balance
        "'wallet', 'G', NULL, 1, 0, 'live'",  # live without a balance
    ],
)
def test_an_account_must_be_in_the_chart(books: Books, hand: Hand, columns: str) -> None:
    assert hand.refused(make(books, columns)) == KEPT


def test_an_account_of_a_user_names_one_of_its_own_marketplace(books: Books, hand: Hand) -> None:
    other = Books()
    balance = (
        "INSERT INTO ledger_balance (account_id, amount, version, side, floor)"
        " VALUES ('acc_hand', 0, 0, -1, 0)"
    )
    foreign = f"'available', '{other.buyer.id}', '{other.buyer.id}', -1, 0, 'live'"
    assert hand.refused(make(books, foreign), balance) == KEPT
    assert hand.refused(make(books, "'available', 'x', NULL, -1, 0, 'live'"), balance) == CHECK


def test_a_balance_begins_at_zero_and_as_its_account_says(books: Books, hand: Hand) -> None:
    account = make(books, "'wallet', 'G', NULL, 1, 0, 'live'")
    for values in ("5, 0, 1, 0", "0, 1, 1, 0", "0, 0, -1, 0", "0, 0, 1, NULL"):
        insert = (
            "INSERT INTO ledger_balance (account_id, amount, version, side, floor)"
            f" VALUES ('acc_hand', {values})"
        )
        assert hand.refused(account, insert) == KEPT


def test_an_entry_of_an_unknown_kind_is_refused(books: Books, hand: Hand) -> None:
    wallet, available = accounts(books, hand)
    refused = hand.refused(
        entry(books, kind="gift"),
        line(books, wallet, 5, 505, 2),
        line(books, available, -5, 505, 2),
        move(wallet, 505, 2),
        move(available, 505, 2),
    )
    assert refused == KEPT


def test_an_entry_dated_into_a_closed_day_is_refused(books: Books, hand: Hand) -> None:
    wallet, available = accounts(books, hand)
    hand.run(
        "INSERT INTO ledger_period (marketplace_id, day, closed_by, closed_at)"
        f" VALUES ('{books.id}', '2020-01-01', 'test', offerhub_now())"
    )
    refused = hand.refused(
        entry(books).replace("now(), now()", "'2020-01-01T23:59:59Z', now()"),
        line(books, wallet, 5, 505, 2),
        line(books, available, -5, 505, 2),
        move(wallet, 505, 2),
        move(available, 505, 2),
    )
    assert refused == CLOSED


def test_a_source_is_used_once_and_an_entry_reversed_once(books: Books, hand: Hand) -> None:
    posted = books.deposit(500, source="deposit:1")
    assert hand.refused(entry(books, "deposit:1")) == UNIQUE
    reverses = entry(books).replace("meta)", "meta, reverses_id)")
    reverses = reverses.replace("'{}')", f"'{{}}', '{posted.entry_id}')")
    assert hand.refused(reverses, reverses.replace("ent_hand", "ent_hand2")) == UNIQUE


def test_the_orm_cannot_delete_what_others_point_to(books: Books) -> None:
    posted = books.deposit(500)
    with pytest.raises(Exception, match="protected"), transaction.atomic():
        Entry.objects.get(pk=posted.entry_id).delete()
    with pytest.raises(Exception, match="protected"), transaction.atomic():
        books.marketplace.delete()


def test_a_role_that_was_admitted_posts_through_the_function_and_no_other_way(
    books: Books, hand: Hand
) -> None:
    role = f"app_{books.id[4:]}"
    hand.run(f"CREATE ROLE {role}", f"CALL ledger_admit('{role}')")
    hand.run(f"GRANT SELECT ON users_user, offerhub_clock TO {role}")
    lines = (
        f'[{{"kind": "wallet", "owner": "G", "asset": "USDC", "amount": 7}},'
        f' {{"kind": "available", "owner": "{books.buyer.id}", "user": "{books.buyer.id}",'
        f' "asset": "USDC", "amount": -7}}]'
    )
    post = (
        f'SELECT entry_id FROM ledger_post(\'{{"marketplace": "{books.id}", "kind": "deposit",'
        f' "source": "role", "lines": {lines}}}\')'
    )
    hand.run(f"SET LOCAL ROLE {role}", post)
    assert books.balance().available == 7
    for write in (
        entry(books),
        "UPDATE ledger_balance SET amount = 9",
        "DELETE FROM ledger_account",
        "INSERT INTO ledger_checkpoint (account_id, posting_id, amount) VALUES ('a', 1, 1)",
    ):
        assert hand.refused(f"SET LOCAL ROLE {role}", write) == "42501"
    hand.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")

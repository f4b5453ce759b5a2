"""`violations` finds a change of one stroop in whatever place, and nothing where there is none."""

import pytest
from django.db import connection, transaction

from ledger import invariants
from ledger.invariants import INVARIANTS, broken_by, violations
from ledger.jobs import take_checkpoints
from offerhub.users.models import Wallet
from tests.ledger.conftest import Books, address_of

LINE = "marketplace_id = '{m}' AND account_version = 1"
ACCOUNT = "account_id IN (SELECT id FROM ledger_account WHERE marketplace_id = '{m}' AND {which})"


@pytest.fixture
def busy(books: Books) -> Books:
    """Books in which everything has happened once."""
    owner, wallet = books.user("owner"), address_of(books.id)
    Wallet.objects.create(
        marketplace=books.marketplace, user=owner, kind=Wallet.Kind.EXTERNAL, address=wallet
    )
    books.deposit(70, owner, address=wallet)
    books.reserve("ord_2", 30, owner)
    books.deposit(1000)
    books.reserve("ord_1", 900)
    books.fund("ord_1", 900)
    books.dust(2)
    books.settle("ord_1", gross=302, seller=282, platform=20, surplus=2, milestone="m1")
    take_checkpoints(patience=20, least=1)
    return books


CORRUPTIONS: dict[str, tuple[str, str]] = {
    "entries_sum_to_zero": (
        (
            "UPDATE ledger_posting SET amount = amount + 1 WHERE id ="
            " (SELECT min(id) FROM ledger_posting WHERE marketplace_id = '{m}')"
        ),
        "",
    ),
    "entries_have_lines": (
        (
            "DELETE FROM ledger_posting WHERE entry_id ="
            " (SELECT max(id) FROM ledger_entry WHERE marketplace_id = '{m}')"
        ),
        "",
    ),
    "lines_belong": ("UPDATE ledger_posting SET asset = 'EURC' WHERE " + LINE, ""),
    "entries_are_as_told": (
        "UPDATE ledger_entry SET kind = 'split' WHERE marketplace_id = '{m}' AND kind = 'release'",
        "",
    ),
    "balances_equal_lines": (
        "UPDATE ledger_balance SET amount = amount + 1 WHERE " + ACCOUNT,
        "kind = 'available'",
    ),
    "versions_are_a_chain": (
        "UPDATE ledger_posting SET balance_after = balance_after + 1 WHERE " + LINE,
        "",
    ),
    "balances_keep_their_floor": (
        "UPDATE ledger_balance SET floor = -5 WHERE " + ACCOUNT,
        "kind = 'available'",
    ),
    "accounts_are_charted": (
        "UPDATE ledger_account SET mode = 'live' WHERE marketplace_id = '{m}' AND {which}",
        "kind = 'suspense'",
    ),
    "holds_are_open_while_used": (
        "UPDATE ledger_account SET open = NOT open WHERE marketplace_id = '{m}' AND {which}",
        "kind = 'escrow'",
    ),
    "checkpoints_equal_lines": (
        "UPDATE ledger_checkpoint SET amount = amount - 1 WHERE " + ACCOUNT,
        "kind = 'expense:network_fee'",
    ),
    "books_balance": (
        "UPDATE ledger_checkpoint SET amount = amount - 1 WHERE " + ACCOUNT,
        "kind = 'owner:capital' OR kind = 'xlm'",
    ),
    "contracts_hold_escrow_and_dust": (
        "UPDATE ledger_posting SET amount = amount - 1 WHERE amount > 0 AND " + ACCOUNT,
        "kind = 'contract'",
    ),
    "wallets_hold_what_users_have": (
        (
            "UPDATE ledger_account SET user_id = (SELECT id FROM users_user WHERE marketplace_id ="
            " '{m}' AND external_id = 'seller') WHERE marketplace_id = '{m}' AND {which}"
        ),
        (
            "kind = 'available' AND user_id IN (SELECT user_id FROM users_wallet"
            " WHERE user_id IS NOT NULL)"
        ),
    ),
    "closed_days_stay": (
        (
            "INSERT INTO ledger_period (marketplace_id, day, closed_at, closed_by)"
            " SELECT '{m}', (offerhub_now() AT TIME ZONE 'UTC')::date,"
            " offerhub_now() - interval '1 hour', 'test'"
        ),
        "",
    ),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_change_past_the_guards_is_found(busy: Books, name: str) -> None:
    statement, which = CORRUPTIONS[name]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no guard fires
        cursor.execute(statement.format(m=busy.id, which=f"({which})"))
        assert cursor.rowcount > 0
        found = {violation.invariant.name: violation.rows for violation in violations(busy.id)}
        transaction.set_rollback(True)
    assert name in found
    assert found[name]


def test_every_invariant_has_a_corruption_that_it_finds() -> None:
    seals = {"seals_verify"}  # found in test_jobs
    assert {invariant.name for invariant in INVARIANTS} == set(CORRUPTIONS) | seals


def test_the_file_holds_as_many_queries_as_were_read() -> None:
    assert len(INVARIANTS) == invariants.SQL.read_text().count(";\n") >= 15
    assert len({invariant.name for invariant in INVARIANTS}) == len(INVARIANTS)


def test_one_marketplace_is_not_told_of_another(busy: Books) -> None:
    other = Books()
    other.deposit(5)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE ledger_posting SET amount = amount * 2 WHERE marketplace_id = %s"
            " AND amount > 0",
            [busy.id],
        )
        assert violations(other.id) == []
        assert violations(busy.id) != []
        transaction.set_rollback(True)


def test_only_the_first_rows_are_told(busy: Books) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE ledger_posting SET amount = amount * 2 WHERE marketplace_id = %s"
            " AND amount > 0",
            [busy.id],
        )
        rows = broken_by(INVARIANTS[0], busy.id, limit=2)
        transaction.set_rollback(True)
    assert len(rows) == 2
    assert rows[0].keys() == {"entry_id", "asset", "total"}

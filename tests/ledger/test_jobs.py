"""Checkpoints and seals: only over what is finished, and never wrong when they come late."""

import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest
from django.db import connection, transaction

from ledger import jobs, movements, tasks
from ledger.invariants import violations
from ledger.jobs import seal_entries, settled_mark, take_checkpoints
from ledger.models import Checkpoint, Seal
from offerhub.core.jobs import SWEEPS
from tests.ledger.conftest import ACTOR, Books, Hand, fact


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """No mark of an earlier test."""
    monkeypatch.setattr(jobs, "_kept", None)


class Writer:
    """A transaction that has posted a charge and stays open until it is told to commit."""

    def __init__(self, books: Books) -> None:
        self._posted, self._done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, args=(books,))
        self._thread.start()
        assert self._posted.wait(timeout=10)

    def _work(self, books: Books) -> None:
        try:
            with transaction.atomic():
                fee(books)
                self._posted.set()
                self._done.wait(timeout=30)
        finally:
            connection.close()

    def commit(self) -> None:
        """Let it end."""
        self._done.set()
        self._thread.join(timeout=10)


def fee(books: Books) -> None:
    """A charge of 100, on two rollup accounts."""
    with transaction.atomic():
        movements.network_fee(
            marketplace_id=books.id,
            operation_id="op",
            fee_address="GFEE",
            fact=fact(),
            actor=ACTOR,
        )


@pytest.fixture
def writer(books: Books) -> Iterator[Writer]:
    """A writer in the middle of its work, whose numbers are lower than those to come."""
    fee(books)
    assert take_checkpoints(patience=20, least=1) >= 2
    assert seal_entries(patience=20) >= 1
    writer = Writer(books)
    yield writer
    writer.commit()


def test_no_mark_is_settled_while_a_writer_runs(books: Books, writer: Writer) -> None:
    assert settled_mark(patience=0.1) is None
    writer.commit()
    assert settled_mark(patience=10) is not None


def test_a_mark_that_was_taken_early_settles_later(
    books: Books, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_kept", None)
    assert settled_mark() is None
    early = jobs._kept
    assert settled_mark() is None
    assert jobs._kept == early
    writer.commit()
    assert settled_mark(patience=10) is not None


def test_a_checkpoint_never_leaves_out_a_line_that_commits_late(
    books: Books, writer: Writer
) -> None:
    """The late line has a lower number than lines that were there before it."""
    fee(books)
    assert take_checkpoints(patience=0.1, least=1) == 0
    assert set(_checkpoints(books).values()) == {100, -100}
    writer.commit()
    assert take_checkpoints(patience=20, least=1) >= 2
    assert set(_checkpoints(books).values()) == {300, -300}
    books.assert_sound()


def _checkpoints(books: Books) -> dict[str, int]:
    """The amounts of this marketplace's checkpoints."""
    rows = Checkpoint.objects.filter(account__marketplace=books.id)
    return dict(rows.values_list("account_id", "amount"))


def test_checkpoints_go_forward_and_are_taken_when_it_pays(books: Books) -> None:
    fee(books)
    assert take_checkpoints(patience=20, least=1) >= 2
    first = _checkpoints(books)
    assert take_checkpoints(patience=20, least=1) == 0
    fee(books)
    assert take_checkpoints(patience=20, least=10**6) == 0
    assert take_checkpoints(patience=20, least=1) >= 2
    assert {account: amount * 2 for account, amount in first.items()} == _checkpoints(books)
    assert books.held("xlm", "GFEE", asset="XLM") == -200
    books.assert_sound()


def test_every_finished_entry_is_sealed_once_in_one_chain(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SEAL_SIZE", 10)
    for _ in range(25):
        fee(books)
    assert seal_entries(patience=20) >= 25
    assert seal_entries(patience=20) == 0
    seals = list(Seal.objects.filter(marketplace=books.id).order_by("first_number"))
    assert sum(seal.entries for seal in seals) == 25
    assert max(seal.entries for seal in seals) <= 10
    assert bytes(seals[0].previous) == b""
    for before, after in pairwise(seals):
        assert after.previous == before.digest
    fee(books)
    assert seal_entries(patience=20) >= 1
    books.assert_sound()


def test_an_entry_of_a_running_transaction_is_sealed_later(books: Books, writer: Writer) -> None:
    fee(books)
    assert seal_entries(patience=0.1) == 0
    writer.commit()
    assert seal_entries(patience=20) >= 2
    books.assert_sound()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_entry SET description = 'x' WHERE marketplace_id = '{m}'",
        "UPDATE ledger_entry SET meta = '{{\"a\": 1}}' WHERE marketplace_id = '{m}'",
        "UPDATE ledger_entry SET effective_at = '2020-01-01' WHERE marketplace_id = '{m}'",
        "UPDATE ledger_posting SET amount = amount + 1 WHERE marketplace_id = '{m}'",
        "DELETE FROM ledger_posting WHERE marketplace_id = '{m}'",
        "UPDATE ledger_entry SET number = DEFAULT WHERE marketplace_id = '{m}'",
        "UPDATE ledger_seal SET digest = 'x' WHERE marketplace_id = '{m}'",
    ],
)
def test_a_seal_tells_of_every_change(books: Books, change: str) -> None:
    fee(books)
    fee(books)
    seal_entries(patience=20)
    fee(books)
    seal_entries(patience=20)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(change.format(m=books.id))
        broken = {violation.invariant.name for violation in violations(books.id)}
        transaction.set_rollback(True)
    assert "seals_verify" in broken
    books.assert_sound()


def test_the_digest_does_not_depend_on_the_time_zone(books: Books, hand: Hand) -> None:
    fee(books)
    digest = "SELECT digest FROM ledger_digest('', %s, 0, 9223372036854775807)"
    first = hand.run("SET LOCAL TimeZone = 'UTC'", digest, parameters=[books.id])
    assert hand.run("SET LOCAL TimeZone = 'Asia/Tokyo'", digest, parameters=[books.id]) == first


def test_the_sweeps_do_their_work_and_ring_nothing(books: Books) -> None:
    assert {"ledger.checkpoints", "ledger.seals"} <= SWEEPS.keys()
    assert tasks.checkpoints() == tasks.seals() == []

"""The audit can only grow, and every way to tamper with it is found and named."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from offerhub.audit import services
from offerhub.audit.checks import GUARDS, guards_are_in_place
from offerhub.audit.models import START, StaffAction
from offerhub.audit.services import FirstBadRow, Seat, Verified

TABLE = "audit_staffaction"
INSERT = (
    f"INSERT INTO {TABLE} SELECT {{position}}, at, actor, username, address, request_id, session, "
    "action, subject, marketplace, reason, before, after, {previous}, digest "
    f"FROM {TABLE} ORDER BY position DESC LIMIT 1"
)
SEAT = Seat("staff:stf_1", "ada", "192.0.2.1", "req_1", "abc")


def add(count: int = 1, **fields: Any) -> list[StaffAction]:
    with transaction.atomic():
        return [
            services.record(seat=SEAT, action="test.done", subject=f"s{i}", **fields)
            for i in range(count)
        ]


@pytest.fixture
def unguarded(db: None) -> Iterator[None]:
    """The owner of the table takes the guards away: only the digests are left."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
        yield
        cursor.execute("SELECT 1")


def run(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.mark.django_db
def test_each_row_continues_the_one_before() -> None:
    before = services.head()
    rows = add(3)
    assert rows[0].previous == (before.digest if before else START)
    assert [row.previous for row in rows[1:]] == [row.digest for row in rows[:-1]]
    assert [row.position - rows[0].position for row in rows] == [0, 1, 2]
    found = services.verify()
    assert found == Verified(rows[-1].position, rows[-1].digest)


@pytest.mark.django_db
def test_whatever_a_row_holds_comes_back_with_its_digest() -> None:
    odd = {
        "n": 10**30,
        "f": 1.5,
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "t": "a\x00b\ud800",
        "s": {2},
    }
    add(before=odd, after={"x": [None, True, {"é": "€ 𝄞"}]}, reason="why\x00 'not'\n\u202e")
    assert isinstance(services.verify(), Verified)


def test_nothing_is_written_without_a_transaction_of_the_change(committed: None) -> None:
    with pytest.raises(RuntimeError, match="in the transaction of its change"):
        services.record(seat=SEAT, action="test.done")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {TABLE} SET reason = 'x'",
        f"DELETE FROM {TABLE}",
        f"TRUNCATE {TABLE}",
        INSERT.format(position="position", previous="previous"),
        INSERT.format(position="position + 2", previous="digest"),
        INSERT.format(position="position + 1", previous="previous"),
    ],
)
@pytest.mark.parametrize(
    "setting",
    ["", "SET LOCAL session_replication_role = replica", "SET LOCAL pgtrigger.ignore = '*'"],
)
def test_the_database_refuses_to_write_over_it(statement: str, setting: str) -> None:
    add(2)
    count = StaffAction.objects.count()
    with (
        pytest.raises(DatabaseError, match=r"written over|continue the audit"),
        transaction.atomic(),
    ):
        if setting:
            run(setting)
        run(statement)
    assert StaffAction.objects.count() == count
    assert isinstance(services.verify(), Verified)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "off", "why"),
    [
        ("UPDATE {t} SET reason = 'x' WHERE position = %s", 0, "was changed"),
        ("UPDATE {t} SET at = at + interval '1 microsecond' WHERE position = %s", 0, "was changed"),
        ("UPDATE {t} SET after = '{{\"a\": 1}}' WHERE position = %s", 0, "was changed"),
        ("UPDATE {t} SET actor = '' WHERE position = %s", 0, "was changed"),
        ("UPDATE {t} SET previous = repeat('1', 64) WHERE position = %s", 0, "does not continue"),
        ("UPDATE {t} SET digest = repeat('1', 64) WHERE position = %s", 0, "was changed"),
        ("DELETE FROM {t} WHERE position = %s", 0, "is missing"),
        ("UPDATE {t} SET position = -position WHERE position = %s", None, "is missing"),
    ],
)
def test_an_edit_is_found_and_named(
    unguarded: None, statement: str, off: int | None, why: str
) -> None:
    row = add(5)[2]
    run(statement.format(t=TABLE), row.position)
    found = services.verify()
    assert isinstance(found, FirstBadRow) and why in found.why
    if off is not None:
        assert found.position == row.position + off


@pytest.mark.django_db
def test_two_rows_that_changed_places_are_found(unguarded: None) -> None:
    rows = add(4)
    a, b = rows[1].position, rows[2].position
    run(f"UPDATE {TABLE} SET position = 9000000000 WHERE position = %s", a)
    run(f"UPDATE {TABLE} SET position = %s WHERE position = %s", a, b)
    run(f"UPDATE {TABLE} SET position = %s WHERE position = 9000000000", b)
    assert services.verify() == FirstBadRow(a, "it does not continue the row before")


@pytest.mark.django_db
def test_a_cut_end_and_a_chain_written_anew_are_found_by_the_heads_that_were_kept(
    unguarded: None,
) -> None:
    rows = add(3)
    kept = services.read_heads(services.heads_text())
    assert kept[rows[-1].position] == rows[-1].digest
    assert isinstance(services.verify(kept), Verified)
    run(f"DELETE FROM {TABLE} WHERE position = %s", rows[-1].position)
    assert isinstance(services.verify(), Verified)
    assert services.verify(kept) == FirstBadRow(
        rows[-1].position, "the row was there once and is missing"
    )
    add(1)
    assert isinstance(services.verify(), Verified)
    assert "another digest" in getattr(services.verify(kept), "why", "")


@pytest.mark.django_db
def test_the_command_says_whether_the_chain_holds(
    unguarded: None, capsys: Any, tmp_path: Any
) -> None:
    rows = add(3)
    call_command("verify_audit")
    assert rows[-1].digest in capsys.readouterr().out
    call_command("verify_audit", export=True)
    heads = tmp_path / "heads.txt"
    heads.write_text(capsys.readouterr().out)
    call_command("verify_audit", "--heads", str(heads))
    assert "as they were written" in capsys.readouterr().out
    run(f"UPDATE {TABLE} SET username = 'eve' WHERE position = %s", rows[1].position)
    with pytest.raises(CommandError, match=f"Row {rows[1].position}: ") as refused:
        call_command("verify_audit")
    assert refused.value.returncode == 1
    heads.write_text("nonsense")
    with pytest.raises(CommandError) as refused:
        call_command("verify_audit", "--heads", str(heads))
    assert refused.value.returncode == 2


@pytest.mark.django_db
def test_a_database_without_its_guards_may_not_serve() -> None:
    assert guards_are_in_place(databases=["default"]) == []
    for guard in sorted(GUARDS):
        with transaction.atomic():
            run(f"ALTER TABLE {TABLE} ENABLE REPLICA TRIGGER {guard}")
            [error] = guards_are_in_place(databases=["default"])
            assert guard in error.msg
            transaction.set_rollback(True)


def test_rows_of_many_at_once_are_one_chain(committed: None) -> None:
    def work() -> None:
        try:
            for _ in range(5):
                add(2)
        finally:
            connections.close_all()

    before = StaffAction.objects.count()
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert StaffAction.objects.count() == before + 40
    assert isinstance(services.verify(), Verified)


def test_a_change_that_rolls_back_takes_its_row_with_it(committed: None) -> None:
    before = StaffAction.objects.count()
    with pytest.raises(ValueError, match="no"), transaction.atomic():
        services.record(seat=SEAT, action="test.done")
        raise ValueError("no")
    assert StaffAction.objects.count() == before
    add(1)
    assert isinstance(services.verify(), Verified)

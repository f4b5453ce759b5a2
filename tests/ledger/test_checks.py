"""The system check sees when a guard is gone."""

import re
from pathlib import Path

import pytest
from django.core.checks import Tags, registry
from django.db import connection, transaction

from ledger.checks import GUARDS, guards_are_in_place
from tests.ledger.conftest import Books

SQL = Path(__file__).resolve().parents[2] / "ledger/sql/guards.sql"


def test_the_check_knows_every_trigger_of_the_file() -> None:
    made = re.findall(
        r"^CREATE (?:OR REPLACE|CONSTRAINT) TRIGGER (\w+)\s+(?:BEFORE|AFTER)[\w\s]*? ON (\w+)",
        SQL.read_text(),
        re.M,
    )
    assert {(table, name) for name, table in made} == GUARDS
    assert len(made) == len(GUARDS) == 20


def test_a_guarded_database_passes(books: Books) -> None:
    assert guards_are_in_place(databases=["default"]) == []


def test_the_check_runs_where_a_database_is_named() -> None:
    assert guards_are_in_place in registry.registry.get_checks(include_deployment_checks=False)
    assert Tags.database in guards_are_in_place.tags
    assert guards_are_in_place(databases=None) == []


@pytest.mark.parametrize(("table", "guard"), sorted(GUARDS))
def test_a_guard_that_is_disabled_fails_the_check(books: Books, table: str, guard: str) -> None:
    _fails(f"ALTER TABLE {table} DISABLE TRIGGER {guard}", f"{guard} on {table}")


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DROP TRIGGER ledger_kept ON ledger_seal", "ledger_kept on ledger_seal"),
        ("ALTER TABLE ledger_posting DROP CONSTRAINT posting_of_account", "posting_of_account"),
        ("ALTER TABLE ledger_balance DROP CONSTRAINT balance_not_below_floor", "below_floor"),
    ],
)
def test_a_guard_that_is_gone_fails_the_check(books: Books, statement: str, named: str) -> None:
    _fails(statement, named)


def _fails(statement: str, named: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        errors = guards_are_in_place(databases=["default"])
        transaction.set_rollback(True)
    assert [error.id for error in errors] == ["ledger.E001"]
    assert named in errors[0].msg

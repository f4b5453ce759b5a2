"""What a posting reads does not grow with the books, not even on a connection from the first day.

PostgreSQL keeps a function's plans for as long as a connection lives. Those made while the tables
are empty must be right when they are full.
"""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from offerhub import postgres
from tests.ledger.conftest import Books

POSTINGS = 400
TABLES = "'ledger_account', 'ledger_balance', 'ledger_entry', 'ledger_posting', 'users_user'"


@pytest.fixture
def first_day(books: Books) -> Iterator["psycopg.Connection[Any]"]:
    """A connection to a database with the product's tables, one marketplace and its users."""
    connection.ensure_connection()
    dsn = connection.connection.info.dsn
    name = f"{connection.settings_dict['NAME']}_empty"
    programs = postgres.binaries()
    schema = subprocess.run([programs / "pg_dump", "-s", dsn], check=True, capture_output=True)
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name}")
        empty = make_conninfo(dsn, dbname=name)
        subprocess.run(
            [programs / "psql", "-q", empty], check=True, capture_output=True, input=schema.stdout
        )
        with psycopg.connect(empty, autocommit=True) as session:
            session.execute("INSERT INTO offerhub_clock DEFAULT VALUES")
            for table, which in (
                ("marketplaces_marketplace", "id"),
                ("users_user", "marketplace_id"),
            ):
                rows = f"COPY (SELECT * FROM {table} WHERE {which} = '{books.id}') TO STDOUT"
                with (
                    admin.cursor().copy(rows) as read,
                    session.cursor().copy(f"COPY {table} FROM STDIN") as write,
                ):
                    for chunk in read:
                        write.write(chunk)
            yield session
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def reservation(books: Books, number: int) -> str:
    """An entry that makes a new hold, with a fee."""
    user = books.buyer.id
    return json.dumps(
        {
            "marketplace": books.id,
            "kind": "reserve",
            "source": f"order:{number}:reserve",
            "lines": [
                leg("available", user, "USDC", 1, user),
                leg("reserved", f"ord_{number}", "USDC", -1, user),
                leg("expense:network_fee", "", "XLM", 100),
                leg("xlm", "GFEE", "XLM", -100),
            ],
        }
    )


def leg(kind: str, owner: str, asset: str, amount: int, user: str | None = None) -> dict[str, Any]:
    """A line as the function takes it."""
    return {"kind": kind, "owner": owner, "asset": asset, "amount": amount, "user": user}


def rows_read(session: "psycopg.Connection[Any]", entry: str) -> int:
    """Post, and count the rows that the transaction looked at, its deferred guards included."""
    with session.transaction():
        before = counted(session)
        session.execute("SELECT * FROM ledger_post(%s)", [entry])
        session.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return counted(session) - before


def counted(session: "psycopg.Connection[Any]") -> int:
    """The rows that this session looked at and has not reported yet."""
    row = session.execute(
        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
        f" WHERE relname IN ({TABLES})"
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_plans_made_on_empty_tables_stay_right(
    books: Books, first_day: "psycopg.Connection[Any]"
) -> None:
    user = books.buyer.id
    money = {
        "marketplace": books.id,
        "kind": "deposit",
        "source": "deposit",
        "lines": [
            leg("wallet", "GBUYER", "USDC", 10**6),
            leg("available", user, "USDC", -(10**6), user),
        ],
    }
    rows_read(first_day, json.dumps(money))
    read = []
    for number in range(POSTINGS):
        if number in (5, 40):
            first_day.execute("VACUUM ANALYZE")  # plans are made anew, for what is still little
        read.append(rows_read(first_day, reservation(books, number)))
    early, late = max(read[20:30]), sorted(read[-20:])[10]
    assert late <= early + 10, f"a posting looked at {early} rows first and at {late} later"
    assert late < 100


def test_live_balances_are_updated_in_place(books: Books) -> None:
    """Free space in each page and no index on what changes: updates touch no index."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE oid = 'ledger_balance'::regclass")
        assert cursor.fetchone() == (["fillfactor=50"],)
        cursor.execute("SELECT count(*) FROM pg_index WHERE indrelid = 'ledger_balance'::regclass")
        assert cursor.fetchone() == (1,)


def test_ids_have_no_second_index_for_patterns(committed: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename LIKE 'ledger_%%'"
            " AND indexname LIKE '%%_like'"
        )
        assert cursor.fetchall() == []


def test_an_index_of_the_entries_begins_with_the_marketplace_only_once(committed: None) -> None:
    """Two would tie while the table is empty, and the wrong one could win for good."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
            " AND a.attnum = i.indkey[0] WHERE i.indrelid = 'ledger_entry'::regclass"
            " AND a.attname = 'marketplace_id'"
        )
        assert cursor.fetchone() == (1,)

"""A copy of the tests' database, to do to it what must never be done to one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, connections


@contextmanager
def copied_database() -> Iterator[str]:
    """Copy the database as it is now, use the copy until the block ends, then drop it."""
    original = str(connection.settings_dict["NAME"])
    copy = f"{original}_copy"
    with maintenance() as server:
        server.execute(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)'.encode())
        connections.close_all()
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [original]
        )
        server.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{original}"'.encode())
    try:
        use(copy)
        yield copy
    finally:
        use(original)
        with maintenance() as server:
            server.execute(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)'.encode())


def use(name: str) -> None:
    """Let this process's connections be to that database."""
    connections.close_all()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name


def maintenance() -> "psycopg.Connection[Any]":
    """A session on the server, of no database of ours."""
    values = connection.settings_dict
    return psycopg.connect(
        dbname="postgres",
        host=values["HOST"] or values.get("OPTIONS", {}).get("host") or "",
        port=values["PORT"] or None,
        user=values["USER"] or None,
        password=values["PASSWORD"] or None,
        autocommit=True,
    )

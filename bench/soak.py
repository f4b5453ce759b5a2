"""`make soak`: an installation of its own under load whose processes are killed all the time.

    python -m bench.soak --minutes 30
    python -m bench.soak --minutes 5 --redis     Celery on Redis instead of `manage.py work`

Real processes, a durable database, public HTTP. While deals are made and the network answers
badly, every process of the installation is killed again and again, backends are terminated and
clients hang up; what the processes say to PostgreSQL, Redis and the network passes a proxy that
cuts, delays, drops and slices it; a checker reads the books meanwhile, past the proxy. In the end
everything must have ended by itself, with `manage.py verify` clean and every stroop in its place.
Exit status 1 if not.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bench import faultproxy
from bench.instance import ROOT, own_folder, running_in
from offerhub import postgres
from offerhub.supervisor import ports
from tests.processes.children import redis_binary


class Redis:
    """A server that is started again whenever it was killed, empty as then."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder, ports.any_free()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        """Start it if it does not run."""
        if self._process is not None and self._process.poll() is None:
            return
        options = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "")
        self._process = subprocess.Popen(
            [redis_binary(), *options, "--dir", str(self._folder)], stdout=subprocess.DEVNULL
        )
        (self._folder / "redis.pid").write_text(str(self._process.pid))

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@dataclass(frozen=True)
class Detour:
    """Where the installation's processes find what they need: at a proxy that spoils what passes.

    `sandbox_itself` is where the network listens, for whoever looks past the proxy.
    """

    database: str
    sandbox: str
    broker: str
    sandbox_itself: str
    control: int


# What is in a request whose lost answer leaves it open whether money moved.
COMMIT, SUBMIT = ("COMMIT",), ("/transactions", "/helper/send-transaction")


@contextmanager
def detour(folder: Path, redis: Redis | None, seed: str) -> Iterator[Detour]:
    """A proxy in a process of its own between the installation and all that it speaks with."""
    server = urlsplit(postgres.server_command(folder / "postgres").url)
    socket = parse_qs(server.query)["host"][0] + "/.s.PGSQL.5432"
    control, database, network, broker, sandbox = (ports.any_free() for _ in range(5))
    links: list[tuple[object, ...]] = [("database", database, socket, *COMMIT)]
    links.append(("network", network, f"127.0.0.1:{sandbox}", *SUBMIT))
    if redis is not None:
        links.append(("redis", broker, f"127.0.0.1:{redis.port}"))
    with faultproxy.running(control, links, seed):
        yield Detour(
            database=f"postgresql://postgres:@127.0.0.1:{database}/postgres?sslmode=disable",
            sandbox=f"http://127.0.0.1:{network}",
            broker=f"redis://127.0.0.1:{broker}/0" if redis else "",
            sandbox_itself=f"http://127.0.0.1:{sandbox}",
            control=control,
        )


def main() -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.soak",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="of load and kills (default: 5)")
    parser.add_argument("--redis", action="store_true", help="with Celery on Redis, killed as well")
    parser.add_argument("--players", type=int, default=8, help="pairs that deal (default: 8)")
    parser.add_argument("--seed", default="1", help="of the trouble (default: 1)")
    parser.add_argument("--keep-logs", type=Path, help="a folder to put the processes' logs into")
    options = parser.parse_args()
    with own_folder() as folder:
        redis = Redis(folder) if options.redis else None
        try:
            return _soak(folder, options, redis)
        finally:
            if redis is not None:
                redis.stop()
            if options.keep_logs:
                options.keep_logs.mkdir(parents=True, exist_ok=True)
                for log in (folder / "log").glob("*.log*"):
                    (options.keep_logs / log.name).write_bytes(log.read_bytes())


def _soak(folder: Path, options: argparse.Namespace, redis: Redis | None) -> int:
    settings = {
        "OFFERHUB_API_WAIT_SECONDS": "3",
        "DISPUTE_APPROVAL_DAY_SUM": "",
        "LOG_LEVEL": "INFO",
    }
    if redis is not None:
        redis.keep()
    with detour(folder, redis, options.seed) as way:
        up = ("-m", "bench.behind", way.database, way.sandbox)
        theirs = settings | {
            "OFFERHUB_SANDBOX_URL": way.sandbox_itself,
            "CELERY_BROKER_URL": way.broker,
        }
        with running_in(folder, up, **theirs):
            return _play(folder, options, redis, settings, way)


def _play(
    folder: Path,
    options: argparse.Namespace,
    redis: Redis | None,
    settings: dict[str, str],
    way: Detour,
) -> int:
    """Have it played by a process that looks past the proxy; its exit status."""
    environment = os.environ | settings
    environment |= {
        "DATABASE_URL": postgres.ensure_running(folder / "postgres"),
        "CELERY_BROKER_URL": redis.url if redis else "",
        "OFFERHUB_VAR": str(folder),
        "OFFERHUB_SANDBOX_URL": way.sandbox_itself,
        "LOG_LEVEL": "ERROR",
    }
    words = (str(options.minutes), str(options.players), options.seed, str(way.control))
    command = [sys.executable, "-m", "bench.soaking", *words]
    playing = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        while playing.poll() is None:
            if redis is not None:
                redis.keep()
            time.sleep(0.3)
    finally:
        if playing.poll() is None:
            playing.terminate()
            playing.wait()
    return playing.returncode


if __name__ == "__main__":
    sys.exit(main())

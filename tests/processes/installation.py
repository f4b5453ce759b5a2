"""A whole installation in a folder of its own, as `make run` starts it."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from offerhub import postgres
from offerhub.supervisor import ports
from tests import template
from tests.processes.children import child, clean_environment, until

START = 300.0  # seconds; far more than it takes, for a machine that is busy with other things


@dataclass
class Installation:
    """Its folder and port; what runs there is found in its own files."""

    folder: Path
    port: int

    @property
    def output(self) -> str:
        """All that it has said on the terminal."""
        file = self.folder / "terminal"
        return file.read_text() if file.exists() else ""

    @property
    def facts(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return content

    def pids(self) -> dict[str, int]:
        """The children that the supervisor has written down."""
        content = json.loads((self.folder / "up.json").read_text())
        return {name: entry["pid"] for name, entry in content["children"].items()}

    def processes(self) -> list[psutil.Process]:
        """Every process that belongs to it, found by its environment or its arguments."""
        return [one for one in psutil.process_iter() if self._owns(one)]

    def _owns(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            ours = str(self.folder)
            return process.environ().get("OFFERHUB_VAR") == ours or ours in " ".join(
                process.cmdline()
            )
        return False

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=5)

    def is_ready(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return self.get("/readyz").status_code == 200
        return False

    @contextlib.contextmanager
    def started(
        self, *options: str, command: tuple[str, ...] = (), wait: bool = True, **variables: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start it; at the end of the block whatever is left of it is killed."""
        (self.folder / "terminal").unlink(missing_ok=True)
        plain = (sys.executable, "manage.py", "up", "--port", str(self.port))
        arguments = command or (*plain, "--no-demo", *options)
        # Wide lines, so that what it says is found in one piece.
        environment = clean_environment(OFFERHUB_VAR=str(self.folder), COLUMNS="200", **variables)
        log = self.folder / "terminal"
        with child(*arguments, log=log, environment=environment) as process:
            try:
                if wait:
                    self.wait_until_up(process)
                yield process
            finally:
                self.end(process)

    def wait_until_up(self, process: subprocess.Popen[bytes]) -> None:
        def is_up() -> bool:
            assert process.poll() is None, f"it ended: {self.output}"
            return "Ctrl-C stops everything" in self.output

        until(is_up, START, lambda: f"it did not start: {self.output}")

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Stop it as Ctrl-C does, and clear away what does not stop."""
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
        for one in self.processes():
            with contextlib.suppress(psutil.Error):
                one.kill()


def new_installation(folder: Path) -> Installation:
    """One that was never started.

    PostgreSQL runs as another user when we are root, so the way to the folder must be open."""
    folder.mkdir(parents=True, exist_ok=True)
    return Installation(folder, ports.any_free())


def with_tables(folder: Path) -> Installation:
    """One whose database has its tables already: to make them takes twelve seconds of processor,
    and is proved where the demo starts for the first time."""
    installation = new_installation(folder)
    subprocess.run(["cp", "-a", str(_made()), str(folder / "postgres")], check=True)
    return installation


def _made() -> Path:
    """A data folder with every migration applied and no server, made once and kept."""
    place = postgres.VAR / "test-installation"
    made = place / template.digest()[:16]
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            for old in place.glob("*/"):  # of other tables, or not finished
                shutil.rmtree(old)
            scratch = place / "unfinished"
            template.migrate(postgres.ensure_running(scratch))
            postgres.stop(scratch)
            scratch.rename(made)
    return made

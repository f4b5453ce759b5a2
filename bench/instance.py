"""A running instance of its own for the benchmark: fresh data, real processes, durable database."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from offerhub import postgres
from offerhub.supervisor import ports

ROOT = Path(__file__).resolve().parent.parent
UP = ("manage.py", "up", "--no-demo")


@dataclass
class Instance:
    """Where the instance answers, and the process that started it."""

    base_url: str
    sandbox_url: str
    api_key: str
    supervisor: int
    data: Path

    def pids(self) -> dict[str, list[int]]:
        """Process ids by role, read from the command lines of the supervisor's children."""
        roles: dict[str, list[int]] = {role: [] for role in MARKS}
        for child in psutil.Process(self.supervisor).children():
            words = " ".join(child.cmdline())
            for role, mark in MARKS.items():
                if mark in words:
                    roles[role].append(child.pid)
        pid_file = self.data / "postgres" / "postmaster.pid"
        roles["database"] = [int(pid_file.read_text().split()[0])]
        return roles


MARKS = {
    "web": "gunicorn",
    "worker": "manage.py work",
    "monitor": "manage.py monitor",
    "deliverer": "manage.py deliver",
    "sandbox": "sandbox",
}


@contextmanager
def running() -> Iterator[Instance]:
    """Start an instance in a folder of its own; stop it and everything it started at the end."""
    with own_folder() as folder, running_in(folder) as instance:
        yield instance


@contextmanager
def own_folder() -> Iterator[Path]:
    """A place for an instance's data, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="offerhub-bench-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def running_in(folder: Path, command: Sequence[str] = UP, **settings: str) -> Iterator[Instance]:
    """The instance of this folder, set up by these environment variables; stopped at the end."""
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    environment |= {"OFFERHUB_VAR": str(folder), "LOG_LEVEL": "WARNING", **settings}
    (folder / "run.json").unlink(missing_ok=True)  # of an earlier one
    words = [sys.executable, *command, "--port", str(ports.any_free())]
    process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        facts = _await_facts(folder / "run.json", process)
        yield Instance(facts["baseUrl"], facts["sandboxUrl"], facts["apiKey"], process.pid, folder)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def beside(instance: Instance, module: str, *words: str, **settings: str) -> str:
    """Run a module of the bench in a process that shares the instance's database; what it says."""
    environment = environment_of(instance) | settings
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return (done.stdout.splitlines() or [""])[-1]


def environment_of(instance: Instance) -> dict[str, str]:
    """What a process needs that works on the instance's data, as its own processes do."""
    return os.environ | {
        "DATABASE_URL": postgres.ensure_running(instance.data / "postgres"),
        "OFFERHUB_VAR": str(instance.data),
        "OFFERHUB_SANDBOX_URL": instance.sandbox_url,
        "LOG_LEVEL": "ERROR",
    }


def _await_facts(path: Path, process: subprocess.Popen[bytes]) -> dict[str, str]:
    for _ in range(1500):
        if process.poll() is not None:
            raise RuntimeError(f"the instance ended with status {process.returncode}")
        if path.exists():
            facts: dict[str, str] = json.loads(path.read_text())
            return facts
        time.sleep(0.2)
    raise TimeoutError("the instance was not up in five minutes")

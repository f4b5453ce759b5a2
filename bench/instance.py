"""A running instance of its own for the benchmark: fresh data, real processes, durable database."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from offerhub.supervisor import ports

ROOT = Path(__file__).resolve().parent.parent


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
    with tempfile.TemporaryDirectory(prefix="offerhub-bench-") as folder:
        Path(folder).chmod(0o755)
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        environment |= {"OFFERHUB_VAR": folder, "LOG_LEVEL": "WARNING"}
        command = [sys.executable, "manage.py", "up", "--no-demo", "--port", str(ports.any_free())]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        try:
            facts = _await_facts(Path(folder) / "run.json", process)
            yield Instance(
                facts["baseUrl"],
                facts["sandboxUrl"],
                facts["apiKey"],
                process.pid,
                Path(folder),
            )
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _await_facts(path: Path, process: subprocess.Popen[bytes]) -> dict[str, str]:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"the instance ended with status {process.returncode}")
        if path.exists():
            facts: dict[str, str] = json.loads(path.read_text())
            return facts
        time.sleep(0.2)
    raise TimeoutError("the instance was not up in two minutes")

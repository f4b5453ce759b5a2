"""The programs of one installation: what each is called with and how it shows that it is ready."""

import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import psycopg
import requests

from offerhub import postgres
from offerhub.supervisor import ready
from offerhub.supervisor.program import ROOT, Program

PYTHON = sys.executable
_FAST_SHUTDOWN = signal.SIGINT  # ends connections; SIGTERM would wait for them to end


@dataclass(frozen=True)
class Stack:
    """Where this installation lives and what it listens on."""

    var: Path
    host: str
    port: int
    sandbox_url: str = ""
    sandbox_port: int = 0  # 0: no sandbox of our own
    broker: bool = False
    web_workers: int = 2
    web_threads: int = 8
    work_threads: int = 8
    provider_limit: int = 0  # the sandbox's, as everybody else here keeps it
    provider_window: float = 60.0

    @property
    def base_url(self) -> str:
        name = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104
        return f"http://{name}:{self.port}"

    def with_sandbox(self, url: str, port: int) -> Self:
        """The same with a sandbox at that address; port 0: somebody else runs it."""
        return replace(self, sandbox_url=url, sandbox_port=port)

    def postgres(self, server: postgres.ServerCommand) -> Program:
        data = self.var / "postgres"

        def answers() -> bool:
            with psycopg.connect(server.url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
            return True

        return Program(
            name="postgres",
            title="PostgreSQL",
            command=server.arguments,
            user=server.user,
            cwd=data,
            before=lambda: postgres.forget_dead_server(data),
            ready=answers,
            stop_signal=_FAST_SHUTDOWN,
            grace=30,
        )

    def sandbox(self) -> Program:
        data = self.var / "sandbox" / "sandbox.db"
        return Program(
            name="sandbox",
            title="Sandbox network",
            command=(
                *(PYTHON, "-m", "offerhub.sandbox"),
                *("--port", str(self.sandbox_port), "--data", str(data), "--scenarios"),
                *("--provider-limit", str(self.provider_limit)),
                *("--provider-window", str(self.provider_window)),
            ),
            before=lambda: data.parent.mkdir(parents=True, exist_ok=True),
            ready=_answers(f"{self.sandbox_url}/control/health"),
        )

    def web(self) -> Program:
        return Program(
            name="web",
            title="Web server",
            command=(
                *(PYTHON, "-m", "gunicorn", "offerhub.asgi:application"),
                *("--bind", f"{self.host}:{self.port}", "--preload"),
                *("--worker-class", "offerhub.serving.worker.Worker"),
                *("--workers", str(self.web_workers), "--keep-alive", "75"),
                # Longer than the longest `Prefer: wait`; a restart waits for answers on their way.
                *("--timeout", "60", "--graceful-timeout", "10"),
                *("--no-control-socket", "--worker-tmp-dir", _memory_folder()),
                *("--backlog", "1024", "--log-level", "warning"),
            ),
            environment={
                "WEB_THREADS": str(self.web_threads),
                "PROMETHEUS_MULTIPROC_DIR": str(self._counts),
            },
            before=self._forget_counts,
            ready=_answers(f"{self.base_url}/readyz"),
        )

    @property
    def _counts(self) -> Path:
        """Where the web server's processes count their requests."""
        return self.var / "metrics"

    def _forget_counts(self) -> None:
        shutil.rmtree(self._counts, ignore_errors=True)
        self._counts.mkdir(parents=True)

    def workers(self) -> list[Program]:
        """`manage.py work`, or Celery's worker and its clock when there is a broker."""
        if not self.broker:
            return [self._announcing("worker", "Worker", (PYTHON, "manage.py", "work"))]
        celery = (PYTHON, "-m", "celery", "-A", "offerhub")
        options = ("--loglevel", "WARNING")
        threads = ("--pool", "threads", "--concurrency", str(self.work_threads))
        schedule = ("--schedule", str(self.var / "celerybeat"), "--pidfile", "")
        return [
            self._announcing("worker", "Worker", (*celery, "worker", *options, *threads)),
            self._announcing("beat", "Clock", (*celery, "beat", *options, *schedule)),
        ]

    def monitor(self) -> Program:
        return self._announcing("monitor", "Chain monitor", (PYTHON, "manage.py", "monitor"))

    def deliverer(self) -> Program:
        return self._announcing("deliverer", "Webhooks", (PYTHON, "manage.py", "deliver"))

    def _announcing(self, name: str, title: str, command: tuple[str, ...]) -> Program:
        """A program without a port: it writes a file when it is ready."""
        file = self.var / "ready" / name

        def before() -> None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)

        return Program(
            name=name,
            title=title,
            command=command,
            environment={ready.VARIABLE: str(file)},
            before=before,
            ready=lambda: ready.has_announced(file),
            grace=20,
        )


def _answers(url: str) -> Callable[[], bool]:
    """Whether a GET is answered with 200."""
    session = requests.Session()
    session.trust_env = False  # a proxy of the machine has no business on loopback
    session.headers["Connection"] = "close"  # a kept one would hold up the server's stopping
    return lambda: session.get(url, timeout=2).status_code == 200


def _memory_folder() -> str:
    """Where gunicorn's heartbeat files cost no disk access, if the machine has such a place."""
    folder = Path("/dev/shm")  # noqa: S108
    return str(folder) if folder.is_dir() else str(ROOT / "var")

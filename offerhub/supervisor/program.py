"""One child process: how it is started, when it counts as ready, how it is stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")
ROOT = Path(__file__).resolve().parent.parent.parent
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
SETTLED = 30.0  # seconds after which an earlier crash is forgotten
LOG_LIMIT = 20 * 1024 * 1024


@dataclass(frozen=True)
class Program:
    """What to run. `ready` is asked again and again and must answer quickly."""

    name: str
    title: str
    command: tuple[str, ...]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""  # run as this user; empty: as we are
    cwd: Path = ROOT
    before: Callable[[], None] = lambda: None  # done before every start
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 180.0  # seconds until it must be ready; a busy machine may need them
    grace: float = 15.0  # seconds until it must have stopped


class Child:
    """A program that is kept running."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program, self.log = program, log
        self.process: subprocess.Popen[bytes] | None = None
        self.was_ready = False
        self.crashes = 0
        self.started_at = 0.0
        self.start_after = 0.0
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists():
            log.replace(log.with_suffix(".log.1"))

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def start(self) -> None:
        """Start it in a process group of its own, so that Ctrl-C reaches the supervisor alone.

        Only the main thread may call this: the kernel ties "die with your parent" to the thread
        that made the child.
        """
        self.program.before()
        command = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())]
        command += [str(int(self.program.stop_signal)), self.program.user, "--"]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 (our own commands)
                [*command, *self.program.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.program.cwd,
                env={**os.environ, **self.program.environment},
                process_group=0,
            )
        self.started_at, self.was_ready = time.monotonic(), False

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def bury(self) -> str:
        """Clear away what an ended child left, plan the next start, and say how it ended."""
        assert self.process is not None
        status = self.process.returncode
        self.kill_group()
        self.process = None
        if time.monotonic() - self.started_at > SETTLED:
            self.crashes = 0
        pause = min(FIRST_PAUSE * 2**self.crashes, LONGEST_PAUSE)
        self.crashes += 1
        self.start_after = time.monotonic() + pause
        if status >= 0:
            return f"ended with status {status}"
        with suppress(ValueError):
            return f"was ended by {signal.Signals(-status).name}"
        return f"was ended by signal {-status}"

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(self.program.stop_signal)

    def kill_group(self) -> None:
        """End the whole group at once: a web server's own children go with it."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def is_ready(self) -> bool:
        """Whether it can be used now; remembered once it was."""
        if not self.was_ready and self.process is not None and not self.has_ended():
            with suppress(Exception):  # whatever the question raises means: not yet
                self.was_ready = self.program.ready()
        return self.was_ready

    def shorten_log(self) -> None:
        """Keep the log's end within bounds while the child goes on writing to it."""
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_LIMIT:
                self.log.with_suffix(".log.1").write_bytes(self.log.read_bytes())
                os.truncate(self.log, 0)

    def last_words(self, lines: int = 12) -> str:
        """The end of the log, for a message about a child that does not start."""
        with suppress(OSError):
            said = self.log.read_text(errors="replace").splitlines()[-lines:]
            return "\n".join(line[:300] for line in said)
        return ""

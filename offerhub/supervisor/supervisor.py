"""Keeps the children running until a signal says stop.

One loop on the main thread starts, watches and stops; slow work (migrations, the demo) runs on a
thread beside it, so a database that is killed during a migration is back before anybody notices.
"""

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Generic, TypeVar

from offerhub.supervisor.leftovers import PidFile
from offerhub.supervisor.program import Child, Program

R = TypeVar("R")
LAUNCH_CRASHES = 4  # a child that ends so often before it was ever ready is not started again


class Stopped(Exception):
    """A signal asked for the end while something was being waited for."""


class WillNotStart(Exception):
    """A child ended or hung before it was ever ready."""


class Supervisor:
    """Children in the order of their start; they are stopped in the reverse order."""

    def __init__(self, logs: Path, pids: PidFile, say: Callable[[str], None]) -> None:
        self.logs, self.pids, self.say = logs, pids, say
        self.children: dict[str, Child] = {}
        self.stopping = False
        self._patient = True
        self._log_check = 0.0
        self._wake, self._waker = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._waker, False)

    def listen_to_signals(self) -> None:
        """SIGINT and SIGTERM end the run; a second one ends it without waiting for anybody."""
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # wakes the loop

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        if self.stopping:
            self._patient = False
        self.stopping = True

    def start(self, program: Program) -> Child:
        """Start a child and keep it running from now on."""
        child = Child(program, self.logs / f"{program.name}.log")
        self.children[program.name] = child
        child.start()
        self._record()
        return child

    def tick(self, seconds: float = 0.1) -> None:
        """Wait for a signal, a dead child or the time; start again what died."""
        select.select([self._wake], [], [], seconds)
        while self._drained():
            pass
        if self.stopping:
            return
        now = time.monotonic()
        for child in self.children.values():
            self._look_after(child, now)
        if now > self._log_check:
            self._log_check = now + 60
            for child in self.children.values():
                child.shorten_log()

    def _drained(self) -> bool:
        try:
            return bool(os.read(self._wake, 512))
        except BlockingIOError:
            return False

    def _look_after(self, child: Child, now: float) -> None:
        if child.has_ended():
            self.say(f"{child.program.title} {child.bury()}; starting it again.")
            self._record()
        elif child.process is None and now >= child.start_after:
            child.start()
            self._record()
        elif child.crashes and not child.was_ready and child.is_ready():
            self.say(f"{child.program.title} is back.")

    def _record(self) -> None:
        self.pids.keep_children(
            {c.program.name: (c.pid, c.program.stop_signal) for c in self.children.values()}
        )

    def wait_ready(self, *children: Child) -> None:
        """Wait until all of them are ready. Raises WillNotStart with the end of the log."""
        for child in children:
            deadline = time.monotonic() + child.program.patience
            while not child.is_ready():
                if child.crashes >= LAUNCH_CRASHES or time.monotonic() > deadline:
                    raise WillNotStart(
                        f"{child.program.title} does not start. The end of {child.log}:\n"
                        f"{child.last_words()}"
                    )
                self._tick_or_stop()

    def beside(self, work: Callable[[], R]) -> R:
        """Run something on a thread and go on watching the children until it ends."""
        task = _Task(work, done=lambda: os.write(self._waker, b"."))
        task.start()
        while task.is_alive():
            self._tick_or_stop()
        return task.result()

    def serve(self) -> None:
        """Watch until a signal comes."""
        while not self.stopping:
            self.tick(1.0)

    def _tick_or_stop(self) -> None:
        self.tick(0.05)
        if self.stopping:
            raise Stopped

    def stop(self) -> None:
        """Stop all children, the last one started first; whoever takes too long is killed."""
        self.stopping = True
        self.pids.keep_state("stopping")
        for child in reversed(self.children.values()):
            child.ask_to_stop()
            deadline = time.monotonic() + child.program.grace
            while child.process is not None and not child.has_ended():
                if time.monotonic() > deadline or not self._patient:
                    break
                self.tick(0.05)
            child.kill_group()
            if child.process is not None:
                child.process.wait()
                child.process = None
            self._record()


class _Task(threading.Thread, Generic[R]):
    """A thread that keeps what its function answered or raised."""

    def __init__(self, work: Callable[[], R], done: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work, self._done = work, done
        self._answer: list[R] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._answer.append(self._work())
        except BaseException as error:  # carried to the thread that asked
            self._error = error
        finally:
            self._done()

    def result(self) -> R:
        self.join()
        if self._error is not None:
            raise self._error
        return self._answer[0]

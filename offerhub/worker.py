"""The work beside the requests, when there is no broker: what `manage.py work` runs.

One thread listens on the database, keeps the sweeps' times and hands rows to a pool; the pool runs
the jobs. Nothing here decides who may touch a row: jobs claim their row with a lease, so any number
of workers may run beside each other, and a bell that nobody heard is made good by the next sweep.
"""

import heapq
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import structlog
from django.db import DatabaseError, close_old_connections, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from offerhub.core import jobs

log = structlog.get_logger(__name__)

SWEEPERS = 2  # threads that look for due rows: a slow look must not hold up the others
LONGEST_WAIT = 1.0  # seconds between two looks at the clock
LONGEST_TIMER = 20.0  # whoever is due later is left to the sweep
HEARTBEAT = 15.0  # seconds between two proofs that the listening connection lives


class Worker:
    """Runs until `stop` is called; then ends what is running and returns."""

    def __init__(self, threads: int, listening: Callable[[], None] = lambda: None) -> None:
        self._connections: list[BaseDatabaseWrapper] = []
        self._pool = self._threads(threads, "job")
        self._sweepers = self._threads(SWEEPERS, "sweep")
        self._tell_listening = listening
        self._lock = threading.Lock()
        # Rows that wait for a thread or run on one; True when they were rung again meanwhile.
        self._busy: dict[jobs.Ring, bool] = {}
        self._timers: list[tuple[float, jobs.Ring]] = []
        self._timed: dict[jobs.Ring, float] = {}  # the next one of each row; others are stale
        self._sweep_at = dict.fromkeys(jobs.SWEEPS, 0.0)
        self._stopping = False
        self._wake, self._waker = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._waker, False)
        self._ears = _Ears()

    def stop_on_signals(self) -> None:
        """End on SIGTERM and SIGINT; the pipe wakes the loop at once."""
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())

    def stop(self) -> None:
        """Take nothing new. May be called from anywhere, a signal's handler included."""
        self._stopping = True
        self._poke()

    def run(self) -> None:
        """Work until stopped."""
        while not self._stopping:
            if self._ears.open():
                self._tell_listening()
                self._sweep_at = dict.fromkeys(self._sweep_at, 0.0)  # rings may have been missed
            self._start_sweeps()
            self._start_timers()
            self._wait()
            for ring in self._ears.heard():
                self.offer(ring)
        self._sweepers.shutdown(wait=True, cancel_futures=True)
        self._pool.shutdown(wait=True, cancel_futures=True)
        for one in self._connections:
            one.close()
        self._ears.close()

    def _threads(self, count: int, name: str) -> ThreadPoolExecutor:
        """A pool whose threads' database connections can be closed when the threads are gone."""

        def begin() -> None:
            connection.inc_thread_sharing()
            self._connections.append(connections["default"])

        return ThreadPoolExecutor(count, thread_name_prefix=name, initializer=begin)

    def offer(self, ring: jobs.Ring, *, found: bool = False) -> None:
        """Have a row worked on: once at a time here, and once more if it rang while it ran.

        A row that a sweep `found` did not ring: that it is being worked on, or will be in a moment,
        is enough.
        """
        with self._lock:
            if found and ring in self._timed:
                return
            if ring in self._busy:
                self._busy[ring] = self._busy[ring] or not found
                return
            self._busy[ring] = False
        try:
            self._pool.submit(self._work, ring)
        except RuntimeError:  # the pool is closing; the next worker's sweep finds the row
            with self._lock:
                self._busy.pop(ring, None)

    def _work(self, ring: jobs.Ring) -> None:
        step = jobs.Step([])
        try:
            close_old_connections()
            step = jobs.step(*ring)
        except Exception:
            log.exception("job_failed", job=ring[0], row=ring[1])
        finally:
            with self._lock:
                rung_again = self._busy.pop(ring, False)
        for other in step.rings:
            self.offer(other)
        if step.later is not None:
            self._remind(ring, step.later)
        elif rung_again:
            self.offer(ring)

    def _remind(self, ring: jobs.Ring, seconds: float) -> None:
        if seconds > LONGEST_TIMER:
            return
        at = time.monotonic() + seconds
        with self._lock:
            if self._timed.get(ring, float("inf")) <= at:
                return
            self._timed[ring] = at
            heapq.heappush(self._timers, (at, ring))
        self._poke()

    def _start_timers(self) -> None:
        now, due = time.monotonic(), []
        with self._lock:
            while self._timers and self._timers[0][0] <= now:
                at, ring = heapq.heappop(self._timers)
                if self._timed.get(ring) == at:
                    del self._timed[ring]
                    due.append(ring)
        for ring in due:
            self.offer(ring)

    def _start_sweeps(self) -> None:
        now = time.monotonic()
        for name, at in self._sweep_at.items():
            if at <= now and self._ears.is_open and not self._stopping:
                self._sweep_at[name] = float("inf")  # until this one has ended
                self._sweepers.submit(self._sweep, jobs.SWEEPS[name])

    def _sweep(self, sweep: jobs.Sweep) -> None:
        try:
            close_old_connections()
            for ring in sweep.find():
                self.offer(ring, found=True)
        except DatabaseError as error:
            log.warning("sweep_put_off", sweep=sweep.name, error=str(error).strip())
        except Exception:
            log.exception("sweep_failed", sweep=sweep.name)
        finally:
            self._sweep_at[sweep.name] = time.monotonic() + sweep.every
            self._poke()

    def _wait(self) -> None:
        """Sleep until a bell, a signal, an ended sweep, or the next thing on the clock."""
        with self._lock:
            timer = self._timers[0][0] if self._timers else float("inf")
        sweeps = self._sweep_at.values() if self._ears.is_open else [self._ears.try_at]
        due = min([timer, *sweeps]) - time.monotonic()
        if not self._stopping:
            sources = [self._wake, *self._ears.sources()]
            select.select(sources, [], [], max(0.0, min(due, LONGEST_WAIT)))
        with suppress(BlockingIOError):
            while os.read(self._wake, 512):
                pass

    def _poke(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._waker, b".")


class _Ears:
    """The listening connection: opened again, with pauses that grow, whenever it is lost."""

    def __init__(self) -> None:
        self.is_open = False
        self.try_at = 0.0
        self._pause = 0.1
        self._proof_at = 0.0

    def open(self) -> bool:
        """Open it if it is closed and the pause is over; whether it was opened just now."""
        if self.is_open or time.monotonic() < self.try_at:
            return False
        try:
            connection.close()
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {jobs.CHANNEL}")
        except DatabaseError as error:
            self._lost(error)
            return False
        self.is_open, self._pause = True, 0.1
        self._proof_at = time.monotonic() + HEARTBEAT
        return True

    def sources(self) -> list[int]:
        """What to wait on."""
        return [connection.connection.fileno()] if self.is_open else []

    def heard(self) -> list[jobs.Ring]:
        """The bells since the last call. A payload is `job row`; anything else is not for us."""
        if not self.is_open:
            return []
        try:
            notes = [note.payload for note in connection.connection.notifies(timeout=0)]
            if time.monotonic() > self._proof_at:
                self._proof_at = time.monotonic() + HEARTBEAT
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
        except Exception as error:  # psycopg's own errors: Django's wrapper is not in between
            self._lost(error)
            return []
        rings = [tuple(note.split(" ", 1)) for note in notes if " " in note]
        return [(name, row) for name, row in rings if name in jobs.JOBS]

    def close(self) -> None:
        self.is_open = False
        connection.close()

    def _lost(self, error: Exception) -> None:
        if self.is_open or self._pause <= 0.1:
            log.warning("database_away", error=str(error).strip())
        self.is_open = False
        self.try_at = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, 3.0)

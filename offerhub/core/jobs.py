"""Work beside the request: the row is the queue, a message is only the doorbell.

A *job* is a function of one row's id that brings the row one step further and may be run any
number of times. A *sweep* answers which rows are due, as rings; whoever sweeps runs their jobs.
Services call `ring` after they wrote the row; a lost ring costs only the time to the next sweep.

Who answers the bell: the request that waits for it (`attend`), else a Celery worker when a broker
is configured, else `manage.py work`, which listens on the database.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import close_old_connections, connection, transaction

log = structlog.get_logger(__name__)

CHANNEL = "offerhub_work"
CLEANING = 600.0  # seconds; what is looked at less often only clears away what is old
Job = Callable[[str], None]
Ring = tuple[str, str]


class Later(Exception):
    """Raised by a job whose row is due again in so many seconds (a busy account, an answer that
    is not there yet). Whoever has patience tries again; otherwise the sweep does."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"due again in {seconds:.2f} s")


@dataclass(frozen=True)
class Sweep:
    """A function that answers the due rows as rings, called at least every so many seconds.

    A sweep that does its work itself (clearing away what is old) answers an empty list.
    """

    name: str
    every: float
    find: Callable[[], list[Ring]]


JOBS: dict[str, Job] = {}
SWEEPS: dict[str, Sweep] = {}
_rung: ContextVar[list[Ring] | None] = ContextVar("rung", default=None)
_awaited: ContextVar[bool] = ContextVar("awaited", default=False)
_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()
_slots: threading.BoundedSemaphore | None = None


def job(name: str) -> Callable[[Job], Job]:
    """Register a job under the name that services ring."""

    def register(function: Job) -> Job:
        JOBS[name] = function
        return function

    return register


def sweep(
    name: str, *, every: float
) -> Callable[[Callable[[], list[Ring]]], Callable[[], list[Ring]]]:
    """Register a sweep."""

    def register(function: Callable[[], list[Ring]]) -> Callable[[], list[Ring]]:
        SWEEPS[name] = Sweep(name, every, function)
        return function

    return register


def ring(name: str, row_id: str) -> None:
    """Say that a row wants work, once the transaction that wrote it has committed."""
    transaction.on_commit(lambda: _publish(name, row_id))


def _publish(name: str, row_id: str) -> None:
    held = _rung.get()
    if held is not None:
        held.append((name, row_id))
    else:
        _send([(name, row_id)])


def _send(rings: list[Ring]) -> None:
    if settings.CELERY_BROKER_URL:
        from offerhub.core import doorbell

        for name, row_id in rings:
            doorbell.press(name, row_id)
        return
    with connection.cursor() as cursor:
        for name, row_id in rings:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{name} {row_id}"])


@contextlib.contextmanager
def held() -> Iterator[list[Ring]]:
    """Keep the rings of this block instead of sending them; whoever holds them answers them."""
    rings: list[Ring] = []
    token = _rung.set(rings)
    try:
        yield rings
    finally:
        _rung.reset(token)


@dataclass(frozen=True)
class Step:
    """What one run of a job asks for: the jobs it rang, and in how many seconds it is due again."""

    rings: list[Ring]
    later: float | None = None


def step(name: str, row_id: str) -> Step:
    """Run a job once. Whatever it rang is answered to the caller and not sent."""
    with held() as rings:
        try:
            JOBS[name](row_id)
        except Later as later:
            return Step(rings, later.seconds)
    return Step(rings)


def run(name: str, row_id: str, patience: float = 0.0) -> None:
    """Run a job, and then the jobs that it rang itself, on this thread.

    A job that asks for later is tried again while `patience` (seconds) lasts.
    """
    deadline = time.monotonic() + patience
    queue: list[Ring] = [(name, row_id)]
    token = _awaited.set(patience > 0)
    try:
        while queue:
            current = queue.pop(0)
            done = step(*current)
            queue.extend(done.rings)
            if done.later is not None and time.monotonic() + done.later < deadline:
                time.sleep(done.later)
                queue.append(current)
    finally:
        _awaited.reset(token)


def is_awaited() -> bool:
    """Whether somebody waits for what runs on this thread now."""
    return _awaited.get()


def attend(rings: list[Ring], seconds: float) -> bool:
    """Work on the rings here and wait for them; whether they all ended in time.

    The work goes on in the background when the time is up. With no time to wait or no free slot
    the rings are sent on, and nobody waits.
    """
    if not rings:
        return True
    slots = _waiting_slots()
    if seconds <= 0 or slots is None or not slots.acquire(blocking=False):
        _send(rings)
        return False
    futures = [_executor().submit(_run_in_thread, copy_context(), *ring, seconds) for ring in rings]
    futures[-1].add_done_callback(lambda _: slots.release())
    done, pending = wait_for(futures, timeout=seconds)
    _raise_nothing(done)
    return not pending


def _raise_nothing(done: set[Future[None]]) -> None:
    """A failed job is not the request's failure: its row is still due and will be swept."""
    for future in done:
        error = future.exception()
        if error is not None:
            log.error("job_failed", exc_info=error)


def _run_in_thread(context: Context, name: str, row_id: str, patience: float) -> None:
    """In the context of who waits: the job's lines in the log have the request's id."""
    close_old_connections()
    context.run(run, name, row_id, patience)


def _executor() -> ThreadPoolExecutor:
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(settings.API_WAITERS, thread_name_prefix="attend")
        return _pool


def _waiting_slots() -> threading.BoundedSemaphore | None:
    """The places for waiting requests of this process; None when nobody may wait."""
    global _slots
    with _pool_lock:
        if _slots is None and settings.API_WAITERS:
            _slots = threading.BoundedSemaphore(settings.API_WAITERS)
        return _slots


def sweep_once(names: list[str] | None = None) -> int:
    """Run the sweeps and their jobs once, in order of name; how many rows were due.

    Without names, those that can find work.
    """
    names = names or [name for name, one in SWEEPS.items() if one.every < CLEANING]
    found = [ring for name in sorted(names) for ring in SWEEPS[name].find()]
    for job_name, row_id in found:
        run(job_name, row_id)
    return len(found)


def sweep_until_idle(seconds: float = 30.0) -> int:
    """Run all sweeps until none finds work; for tests and for draining before a stop."""
    deadline, total = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        found = sweep_once()
        total += found
        if found == 0:
            return total
    raise TimeoutError("work keeps arriving")

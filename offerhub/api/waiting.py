"""Waiting for the outcome of a write, outside any transaction, as long as the caller likes.

`Prefer: wait=N` (RFC 7240, at most 30 s) and `Prefer: respond-async` choose; without either it is
`settings.API_WAIT_SECONDS`. The number of requests of one process that wait is bounded
(`settings.API_WAITERS`); beyond it nobody waits, so slow chains can not use up the threads.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from offerhub.core import jobs
from offerhub.core.errors import Refusal

LONGEST = 30.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.25

_WAIT = re.compile(r"wait\s*=\s*\"?(\d{1,6})\"?", re.ASCII | re.IGNORECASE)
_lock = threading.Lock()
_slots: threading.BoundedSemaphore | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The present state of what was written. `pending`: it is not the state that was asked for
    yet, and something is on its way that will bring it there (or end it). `for_people`: a person
    must act first, so nobody waits for it."""

    body: dict[str, Any]
    pending: bool = False
    for_people: bool = False
    refusal: Refusal | None = None  # what was asked has ended, and did not happen


@dataclass(frozen=True)
class Patience:
    """How long a request waits, and what of `Prefer` was honoured."""

    seconds: float
    applied: str = ""
    until: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds that remain."""
        return self.until + self.seconds - time.monotonic()


def patience_of(prefer: str) -> Patience:
    """What a `Prefer` header asks for; what it does not say well is ignored, as the RFC wants.

    With both, `wait` says how long to try before answering asynchronously.
    """
    for preference in prefer.split(","):
        match = _WAIT.fullmatch(preference.strip())
        if match is not None:
            seconds = min(float(match.group(1)), LONGEST)
            return Patience(seconds, f"wait={int(seconds)}")
    if any(p.strip().lower() == "respond-async" for p in prefer.split(",")):
        return Patience(0.0, "respond-async")
    return Patience(min(settings.API_WAIT_SECONDS, LONGEST))


def await_outcome(
    rings: list[jobs.Ring], patience: Patience, state: Callable[[], Answer]
) -> Answer:
    """Work on what was rung, wait while it is pending, and answer the state at the end."""
    slots = _waiting_slots()
    if patience.left <= 0 or slots is None or not slots.acquire(blocking=False):
        jobs.attend(rings, 0)
        return state()
    try:
        ended = jobs.attend(rings, patience.left)
        now = state()
        pause = FIRST_PAUSE
        # Somebody else may be at it: a worker, or the request that this one repeats. When our own
        # jobs could not be run here, nobody waits.
        while ended and now.pending and not now.for_people and patience.left > 0:
            time.sleep(max(0.0, min(pause, patience.left)))
            pause = min(pause * 1.5, LONGEST_PAUSE)
            now = state()
        return now
    finally:
        slots.release()


def _waiting_slots() -> threading.BoundedSemaphore | None:
    global _slots
    with _lock:
        if _slots is None and settings.API_WAITERS:
            _slots = threading.BoundedSemaphore(settings.API_WAITERS)
        return _slots

"""Token buckets: how often something may happen, with a little patience for bursts.

A bucket fills at `rate` tokens a second, holds what two seconds bring, and starts full.
"""

import threading
import time
from dataclasses import dataclass

BURST_SECONDS = 2.0
MOST_BUCKETS = 50_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether there was a token, and what is left. Rate in tokens a second."""

    admitted: bool
    tokens: float
    rate: float

    @property
    def capacity(self) -> float:
        """What a full bucket holds."""
        return capacity_of(self.rate)

    @property
    def full_in(self) -> float:
        """Seconds until the bucket is full again."""
        return (self.capacity - self.tokens) / self.rate

    @property
    def next_in(self) -> float:
        """Seconds until there is a token."""
        return max(0.0, 1.0 - self.tokens) / self.rate


def capacity_of(rate: float) -> float:
    """Twice the rate, and at least one token."""
    return max(1.0, rate * BURST_SECONDS)


class Buckets:
    """The buckets of one process, by name. All have the same rate."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}  # name: (tokens, as of)

    def take(self, name: str, rate: float) -> Verdict:
        """Take a token if there is one."""
        now = time.monotonic()
        with self._lock:
            tokens = self._tokens(name, rate, now)
            admitted = tokens >= 1.0
            tokens -= admitted
            if name not in self._levels and len(self._levels) >= MOST_BUCKETS:
                self._drop_full(rate, now)
            self._levels[name] = (tokens, now)
        return Verdict(admitted, tokens, rate)

    def is_empty(self, name: str, rate: float) -> bool:
        """Whether `take` would find no token now."""
        with self._lock:
            return name in self._levels and self._tokens(name, rate, time.monotonic()) < 1.0

    def clear(self) -> None:
        """Forget every bucket."""
        with self._lock:
            self._levels.clear()

    def _tokens(self, name: str, rate: float, now: float) -> float:
        tokens, at = self._levels.get(name, (capacity_of(rate), now))
        return min(capacity_of(rate), tokens + (now - at) * rate)

    def _drop_full(self, rate: float, now: float) -> None:
        """A full bucket says no more than an absent one. When all are in use, begin afresh."""
        kept = {n: v for n, v in self._levels.items() if self._tokens(n, rate, now) < rate}
        self._levels = kept if len(kept) < MOST_BUCKETS else {}

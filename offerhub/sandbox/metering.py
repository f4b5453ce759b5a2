"""Counting the calls to the escrow API, and the limit that its vendor sets."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

REMEMBERED = 100_000  # instants of calls


class Meter:
    """``limit`` calls in ``window`` seconds, counted from the first call on; 0 is no limit."""

    def __init__(self, limit: int, window: float) -> None:
        self.set_limit(limit, window)

    def set_limit(self, limit: int, window: float) -> None:
        """Change the limit; the window and all counts begin anew."""
        self.limit, self.window = limit, window
        self.requests = self.refused = self._used = 0
        self._began = 0.0
        self._times: deque[float] = deque(maxlen=REMEMBERED)

    def count(self) -> None:
        """There was a call, whatever became of it."""
        self.requests += 1
        self._times.append(time.monotonic())

    def over(self, now: float) -> int:
        """One call against the limit; 0, or over it the seconds after which to come again."""
        if not self.limit:
            return 0
        if now - self._began >= self.window:
            self._began, self._used = now, 0
        self._used += 1
        if self._used <= self.limit:
            return 0
        self.refused += 1
        return max(1, int(self._began + self.window - now) + 1)

    def most(self) -> int:
        """The most calls in any window."""
        times, first, most = list(self._times), 0, 0
        for last, at in enumerate(times):
            while at - times[first] >= self.window:
                first += 1
            most = max(most, last - first + 1)
        return most

    def shown(self) -> dict[str, Any]:
        """What was counted."""
        counts = {"requests": self.requests, "refused": self.refused, "most": self.most()}
        return {"limit": self.limit, "seconds": self.window, **counts}

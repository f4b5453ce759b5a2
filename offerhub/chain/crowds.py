"""Operations of this process that wait for a source account which another one is using.

An account's operations go one at a time, so however many wait, one look at a time is enough: each
waits the longer, the more of them there are. A campaign that is refunded has thousands, all signed
by the marketplace's resolver.
"""

import threading
import time

PAUSE = 0.02  # seconds between two looks at one account
FORGET = 60.0  # who did not come back within this time does not wait here any more


class Crowds:
    """Who waits for which account."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, dict[str, float]] = {}  # account: operation: until when it counts

    def join(self, account: str, operation: str) -> float:
        """Seconds until this operation looks again."""
        now = time.monotonic()
        with self._lock:
            crowd = self._seen.setdefault(account, {})
            crowd.pop(operation, None)
            while crowd and (first := next(iter(crowd))) and crowd[first] < now:
                del crowd[first]
            pause = PAUSE * (len(crowd) + 1)
            crowd[operation] = now + pause + FORGET
            return pause

    def leave(self, account: str, operation: str) -> None:
        """It has the account now."""
        with self._lock:
            crowd = self._seen.get(account)
            if crowd is not None:
                crowd.pop(operation, None)
                if not crowd:
                    del self._seen[account]


CROWDS = Crowds()

"""Players beside each other, until they have made so many deals or the time is up."""

import itertools
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from disputes.models import Dispute
from offerhub.chain.submission import LIVE
from offerhub.chain.tables import concrete_tables
from offerhub.demo.client import Sandbox
from offerhub.drill.player import DEALS, ENDS, STOPS, Hasty, Player
from offerhub.events.models import Event, WebhookDelivery


@dataclass
class Played:
    """What the players did: how deals ended by kind, and what did not come to its end."""

    ended: dict[str, Counter[str]] = field(
        default_factory=lambda: {kind: Counter() for kind in DEALS}
    )
    unfinished: list[str] = field(default_factory=list)
    hung_up: int = 0
    longest: float = 0.0  # seconds that a step of a deal took

    @property
    def deals(self) -> int:
        return sum(counter.total() for counter in self.ended.values())

    @property
    def wrong(self) -> list[str]:
        """Deals that did not end as their kind does."""
        return [
            f"{count} {kind}: {state}"
            for kind, counter in self.ended.items()
            for state, count in counter.items()
            if state != ENDS[kind]
        ]


class Play:
    """Begins the players, each on a thread of its own."""

    def __init__(
        self, base_url: str, sandbox_url: str, key: str, know: Callable[[list[str]], None]
    ) -> None:
        self._base, self._sandbox, self._key, self._know = base_url, sandbox_url, key, know
        self._run = f"drill-{secrets.token_hex(4)}"
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self.played = Played()
        self.players: list[Player] = []

    def begin(self, players: int, *, deals: int = 0, pause: float = 0.0) -> None:
        """So many players share so many deals (0: until `stop`), with a pause after each."""
        numbers = itertools.count() if not deals else iter(range(deals))
        for number in range(players):
            thread = threading.Thread(
                target=self._play_on,
                args=(f"{self._run}-{number}", numbers, pause),
                name=f"player-{number}",
                daemon=True,
            )
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Each ends the deal that it is in, and begins no other."""
        self._stopping.set()

    @property
    def is_over(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _play_on(self, label: str, numbers: "itertools.count[int]", pause: float) -> None:
        api = Hasty(self._base, self._key, self._note_hang_up, label)
        player = Player(api, Sandbox(self._sandbox), label, label)
        chance = random.Random(label)  # noqa: S311 (the same each time)
        if not self._try(label, "joining", lambda: self._know(player.join())):
            return
        with self._lock:
            self.players.append(player)
        kinds = list(DEALS)
        while not self._stopping.is_set():
            with self._lock:
                number = next(numbers, None)
            if number is None:
                return
            kind = kinds[number % len(kinds)]
            self._try(label, kind, lambda kind=kind: self._note(kind, player.play(kind)))  # type: ignore[misc]
            with self._lock:
                self.played.longest = max(self.played.longest, api.longest)
            self._stopping.wait(chance.uniform(0.5, 1.5) * pause)

    def _try(self, label: str, what: str, do: Callable[[], None]) -> bool:
        try:
            do()
        except STOPS as problem:
            with self._lock:
                self.played.unfinished.append(f"{label}, {what}: {problem}"[:300])
            return False
        return True

    def _note(self, kind: str, state: str) -> None:
        with self._lock:
            self.played.ended[kind][state] += 1

    def _note_hang_up(self) -> None:
        with self._lock:
            self.played.hung_up += 1


def on_its_way(marketplace_id: str) -> dict[str, int]:
    """What still moves by itself, by what it is; empty when everything has ended."""
    found: dict[str, int] = {}
    for table in concrete_tables():
        rows: Any = table._base_manager.filter(status__in=LIVE)
        live = rows.filter(marketplace_id=marketplace_id).count()
        found[f"{table._meta.label} live"] = live
    settling = Dispute.objects.filter(
        marketplace=marketplace_id, status="SETTLING", problem__isnull=True
    )
    found["Disputes being settled"] = settling.count()
    found["Events without a number"] = Event.objects.filter(
        marketplace=marketplace_id, number=None
    ).count()
    found["Webhooks"] = WebhookDelivery.objects.filter(
        endpoint__marketplace=marketplace_id, endpoint__status="ENABLED", status="PENDING"
    ).count()
    return {name: count for name, count in found.items() if count}


def wait_for_the_end(
    marketplace_id: str,
    seconds: float,
    tell: Callable[[dict[str, int]], None],
    ask: Callable[[Callable[[], dict[str, int]]], dict[str, int] | None] = lambda do: do(),
) -> tuple[float, dict[str, int]]:
    """Until nothing moves any more, or the time is up: how long it took, and what still moved.

    `ask` may answer None when the database could not be asked.
    """
    began, quiet = time.monotonic(), 0
    while True:
        left = ask(lambda: on_its_way(marketplace_id))
        quiet = quiet + 1 if left == {} else 0
        took = time.monotonic() - began
        if quiet > 1 or took > seconds:
            return took, left if left is not None else {"The database does not answer": 1}
        tell(left or {})
        time.sleep(0.5)

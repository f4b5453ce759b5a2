"""What stopping a subscription means for each of its cycles. The preview and the services that do
it ask the same function, so what was shown is what happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models

from offerhub.subscriptions.charging import drop
from offerhub.subscriptions.following import decide
from offerhub.subscriptions.held import Held
from offerhub.subscriptions.models import Because, Cycle
from offerhub.subscriptions.proration import earned
from offerhub.subscriptions.states import CycleStatus


class When(models.TextChoices):
    """At once, with the running cycle divided; or at the end of what is paid."""

    NOW = "NOW"
    PERIOD_END = "PERIOD_END"


class Fate(models.TextChoices):
    """What becomes of a cycle."""

    DIVIDED = "DIVIDED"  # it runs, and ends now: the seller gets what was earned
    KEPT = "KEPT"  # it goes on to its end, and is released then
    GIVEN_BACK = "GIVEN_BACK"  # it has not begun: all of it is the buyer's
    DROPPED = "DROPPED"  # it was never paid


@dataclass(frozen=True)
class Ending:
    """One cycle: what the seller gets of it, in stroops before fees, and how that was reckoned."""

    cycle: Cycle
    fate: Fate
    to_seller: int
    elapsed: timedelta

    @property
    def to_buyer(self) -> int:
        """The rest."""
        return 0 if self.fate == Fate.DROPPED else self.cycle.amount - self.to_seller


def endings(cycles: Sequence[Cycle], now: datetime, when: When) -> list[Ending]:
    """Of every cycle of which nothing is decided yet; what is over is not touched any more."""
    return [
        _ending(cycle, now, when)
        for cycle in cycles
        if cycle.status == CycleStatus.UNPAID
        or (cycle.status == CycleStatus.OPEN and cycle.to_seller is None and now < cycle.ends_at)
    ]


def _ending(cycle: Cycle, now: datetime, when: When) -> Ending:
    elapsed = max(min(now, cycle.ends_at) - cycle.starts_at, timedelta())
    if cycle.status == CycleStatus.UNPAID:
        return Ending(cycle, Fate.DROPPED, 0, elapsed)
    if cycle.starts_at > now:
        return Ending(cycle, Fate.GIVEN_BACK, 0, elapsed)
    if when == When.PERIOD_END:
        return Ending(cycle, Fate.KEPT, cycle.amount, elapsed)
    share = earned(cycle.amount, cycle.starts_at, cycle.ends_at, now)
    return Ending(cycle, Fate.DIVIDED, share, elapsed)


def apply(held: Held, when: When) -> None:
    """Decide it for each cycle; the contracts are asked when the subscription advances."""
    for ending in endings(held.cycles, held.now, when):
        if ending.fate == Fate.DROPPED:
            drop(held, ending.cycle, Because.REQUESTED)
            ending.cycle.save()
        elif ending.fate != Fate.KEPT:
            decide(held, ending.cycle, ending.to_seller)
            if ending.fate == Fate.GIVEN_BACK:
                held.row.next_number = ending.cycle.number

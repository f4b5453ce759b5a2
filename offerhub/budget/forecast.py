"""How long until so much work is let through: arithmetic alone, no database.

Work is counted in requests. Lanes share as `offerhub_take_turn` does it: of what is let through a
waiting lane below the first one gets a tenth as much as nine of the first, and within a lane every
marketplace the same. What comes later and goes first is not known, so every answer is the earliest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from offerhub.budget.lanes import EACH, Lane

Key = tuple[int, str]  # a lane, and a marketplace in it
FIRST, BELOW = 9.0, 1.0
TINY = 1e-6


@dataclass(frozen=True)
class Standing:
    """Limit and queue at one instant. Times in seconds from it.

    `free_in` says for each request of the last window when it counts no more, soonest first.
    """

    limit: int
    span: float
    free_in: Sequence[float] = ()
    blocked_for: float = 0.0
    paced_for: float = 0.0
    work: Mapping[Key, int] = field(default_factory=dict)

    @property
    def usual(self) -> int:
        """What every lane but the first may use of the limit."""
        return self.limit - self.limit // 10


def seconds_until(now: Standing, lane: int, marketplace: str, requests: int) -> float:
    """Until the marketplace's first `requests` of this lane are let through."""
    if not now.limit or requests <= 0:
        return 0.0
    work = {**now.work, (lane, marketplace): max(requests, now.work.get((lane, marketplace), 0))}
    through, paced = _before(work, (lane, marketplace), float(requests))
    cap = now.limit if lane == Lane.PERSON else now.usual
    seconds = _when(now, cap, through)
    if lane >= Lane.AUTOMATIC:
        # The last one goes when its pace is due; its own share of time is not waited for.
        seconds = max(seconds, now.paced_for + (paced - EACH) * now.span / now.usual)
    return max(seconds, now.blocked_for)


def seconds_until_empty(now: Standing) -> float:
    """Until everything that is known to wait is let through."""
    return max(
        (seconds_until(now, *key, requests) for key, requests in now.work.items()), default=0.0
    )


def _before(work: Mapping[Key, int], target: Key, wanted: float) -> tuple[float, float]:
    """Requests let through until the target got what it wants: of all, and of the paced lanes."""
    left = {key: float(count) for key, count in work.items() if count > 0}
    through = paced = 0.0
    while wanted > TINY:
        rates = _rates(left)
        step = min(wanted / rates[target], *(left[key] / rate for key, rate in rates.items()))
        through += step
        paced += step * sum(rate for key, rate in rates.items() if key[0] >= Lane.AUTOMATIC)
        wanted -= step * rates[target]
        left = {key: rest for key in left if (rest := left[key] - step * rates[key]) > TINY}
    return through, paced


def _rates(left: Mapping[Key, float]) -> dict[Key, float]:
    """The share of each, together 1."""
    lanes = sorted({lane for lane, _ in left})
    weights = {lane: FIRST if lane == lanes[0] else BELOW for lane in lanes}
    total = sum(weights.values())
    many = {lane: sum(1 for one, _ in left if one == lane) for lane in lanes}
    return {key: weights[key[0]] / total / many[key[0]] for key in left}


def _when(now: Standing, cap: int, through: float) -> float:
    """When the request of this number goes, if each goes as soon as the limit allows."""
    slots = sorted([*now.free_in, *[0.0] * (cap - len(now.free_in))])[:cap] or [0.0]
    surplus = len(now.free_in) - cap
    if surplus > 0:  # more was used than these may: the first to come free are not theirs
        slots = sorted(now.free_in)[surplus:]
    number = max(int(through - TINY), 0)
    rounds, place = divmod(number, len(slots))
    return slots[place] + rounds * now.span

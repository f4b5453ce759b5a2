"""How long until so much of a lane is let through: arithmetic alone, no database.

Work is counted in requests. The lanes share as `offerhub_take_turn` does it: a waiting lane below
the first one gets one request for nine of the first. What comes later and goes first is not known,
so every answer is what it takes as things are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from offerhub.budget.lanes import EACH, Lane

FIRST, BELOW = 9.0, 1.0
TINY = 1e-6


@dataclass(frozen=True)
class Standing:
    """Limit and queue at one instant. Times in seconds from it.

    `free_in` says for each request of the last window when it counts no more; `work` what each
    lane still wants, later steps of what waits included.
    """

    limit: int
    span: float
    free_in: Sequence[float] = ()
    blocked_for: float = 0.0
    paced_for: float = 0.0
    work: Mapping[int, int] = field(default_factory=dict)

    @property
    def usual(self) -> int:
        """What every lane but the first may use of the limit."""
        return self.limit - self.limit // 10


def seconds_until(now: Standing, lane: int, requests: int) -> float:
    """Until the first `requests` of this lane's queue are let through; more than the queue has are
    of work that joins it."""
    if not now.limit or requests <= 0:
        return 0.0
    through, paced = _let_through(now.work, lane, float(requests))
    cap = now.limit if lane == Lane.PERSON else now.usual
    seconds = _when(now, cap, through)
    if lane >= Lane.AUTOMATIC:
        # From the first call on, each goes when its pace is due.
        first = max(now.paced_for, _when(now, cap, EACH))
        seconds = max(seconds, first + (paced - EACH) * now.span / now.usual)
    return max(seconds, now.blocked_for)


def seconds_until_empty(now: Standing) -> float:
    """Until everything that is known to wait is let through."""
    return max((seconds_until(now, lane, many) for lane, many in now.work.items()), default=0.0)


def _let_through(work: Mapping[int, int], target: int, wanted: float) -> tuple[float, float]:
    """Requests of all lanes, and of the paced ones, until the target has got what it wants."""
    left = {lane: float(many) for lane, many in work.items() if many > 0}
    left[target] = max(wanted, left.get(target, 0.0))
    through = paced = 0.0
    while wanted > TINY:
        rates = _rates(left)
        step = min(wanted / rates[target], *(left[lane] / rate for lane, rate in rates.items()))
        through += step
        paced += step * sum(rate for lane, rate in rates.items() if lane >= Lane.AUTOMATIC)
        wanted -= step * rates[target]
        left = {lane: rest for lane in left if (rest := left[lane] - step * rates[lane]) > TINY}
    return through, paced


def _rates(left: Mapping[int, float]) -> dict[int, float]:
    """The share of each lane, together 1."""
    weights = {lane: FIRST if lane == min(left) else BELOW for lane in left}
    total = sum(weights.values())
    return {lane: weight / total for lane, weight in weights.items()}


def _when(now: Standing, cap: int, through: float) -> float:
    """When the request of this number goes, if each goes as soon as the limit allows."""
    used = sorted(now.free_in)
    # When more was used than these may use, the first that come free are not for them.
    slots = used[len(used) - cap :] if len(used) > cap else [0.0] * (cap - len(used)) + used
    rounds, place = divmod(max(int(through - TINY), 0), cap)
    return slots[place] + rounds * now.span

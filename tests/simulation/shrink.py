"""A failing run made small: steps are taken away as long as it still fails, for a bounded time."""

import time
from collections.abc import Callable

from tests.simulation.run import Plan

_now = time.perf_counter  # the machine's time: `time.monotonic` is the simulator's


def shrink(plan: Plan, fails: Callable[[Plan], bool], seconds: float = 60.0) -> Plan:
    """A part of the plan that fails too: halves are tried first, single steps last."""
    until, size = _now() + seconds, max(1, len(plan) // 2)
    while _now() < until:
        at, before = 0, len(plan)
        while at < len(plan) and _now() < until:
            rest = plan[:at] + plan[at + size :]
            if rest and fails(rest):
                plan = rest
            else:
                at += size
        if size == 1 and len(plan) == before:
            break
        size = max(1, size // 2)
    return plan

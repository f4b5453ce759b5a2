"""Seed after seed, and what is said of each; a failure is made small, and how to play it again."""

import argparse
import gc
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from django.db import connection
from django.urls import get_resolver

from tests.simulation.run import Plan, Result, Simulator, plan_of
from tests.simulation.shrink import shrink

SHOWN = 60  # lines of a small failure's record
MANY = 60  # steps that are no help to anybody


_processes = multiprocessing.get_context("fork")


def played(seed: str, plan: Plan) -> Result:
    """One run in a process of its own, so that it remembers nothing of the run before."""
    connection.close()
    receiver, sender = _processes.Pipe(duplex=False)
    child = _processes.Process(target=_play, args=(seed, plan, sender))
    child.start()
    sender.close()
    try:
        result: Result = receiver.recv()
    finally:
        child.join()
        receiver.close()
    return result


def _play(seed: str, plan: Plan, sender: "Connection[Result, None]") -> None:
    gc.disable()  # it lives for seconds
    sender.send(Simulator().run(seed, plan))


class Seeds:
    """Plays them and counts."""

    def __init__(self, asked: argparse.Namespace, say: Callable[[str], None]) -> None:
        self._asked, self._say = asked, say
        _ = get_resolver().url_patterns  # imported once, for every run to come
        self.played = self.failed = self.operations = 0

    def play(self, seed: str) -> None:
        """One seed, its line, and when it fails how and why."""
        began, plan = time.perf_counter(), plan_of(seed, self._asked.steps)
        if self._asked.only:
            plan = [plan[int(number) - 1] for number in self._asked.only.split(",")]
        result = played(seed, plan)
        took = time.perf_counter() - began
        self.played, self.operations = self.played + 1, self.operations + result.operations
        if self._asked.show:
            self._say("\n".join(result.lines))
        self._say(
            f"seed {seed}  digest {result.digest}  {result.steps} steps"
            f"  {result.operations} operations  {took:.2f} s"
        )
        if result.problems:
            self.failed += 1
            self._tell(seed, plan, result)

    def _tell(self, seed: str, plan: Plan, result: Result) -> None:
        for problem in result.problems:
            self._say(f"  {problem}")
        small = shrink(plan, lambda part: bool(played(seed, part).problems), self._asked.shrink)
        again = played(seed, small)
        numbers = ",".join(str(plan.index(step) + 1) for step in small)
        only = f" --only {numbers}" if len(small) <= MANY else ""
        defect = f" --defect {self._asked.defect}" if self._asked.defect else ""
        self._say(f"made small: {len(small)} of {len(plan)} steps")
        for line in again.lines[-SHOWN:]:
            self._say(f"    {line}")
        self._say(
            f"again: .venv/bin/python -m tests.simulation --seed {seed}"
            f" --steps {self._asked.steps}{defect}{only}"
        )

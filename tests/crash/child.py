"""A worker that is killed.

This process imports everything once and then waits. For each line of its input it forks a worker,
which does one piece of work and dies at the named crash point as `kill -9` would end it: at once,
with nothing cleaned up. The worker opens its own database connection and its own sockets.

    python -m tests.crash.child DATABASE SANDBOX_URL
    {"work": "orders.operation", "row": "opr_…", "point": "after_submit"}   ->   137

With `seconds` it dies after so long wherever it is, if it is not done by then (exit code -14).
Beside the points that the product names it knows moments of its own: MOMENTS.
"""

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings

# Moments that have no name in the product: in which part of the work, and what it dies at.
MOMENTS = {
    "after_first_answer": ("after_claim", "answer"),  # the network said something, nothing is kept
    "in_confirm": ("before_confirm", "statement"),  # the first one of the confirmation was made
    "before_commit": ("before_confirm", "commit"),  # all of it was
    "before_bells": ("before_confirm", "committed"),  # and nobody was told
}
MONITOR = "monitor"  # the work that is no job of a row: read the chain once


def main(database: str, sandbox_url: str) -> None:
    """Answer each line with the exit code of its worker."""
    settings.DATABASES["default"]["NAME"] = database
    settings.SANDBOX_URL = sandbox_url
    django.setup()
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        worker = os.fork()
        if worker == 0:
            _work(**json.loads(line))
        _, status = os.waitpid(worker, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def _work(work: str, row: str, point: str, seconds: float, page: int) -> None:
    """Do it and leave; the exit code is 0 when the point was not on the way, 1 after an error."""
    from offerhub.core import crash, jobs
    from offerhub.deposits import monitor

    code = 1
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)  # zero: never
    try:
        os.environ["OFFERHUB_CRASH_AT"] = point
        importlib.reload(crash)  # it reads the environment once, when a process starts
        if point in MOMENTS:
            _lie_in_wait(*MOMENTS[point])
        if work == MONITOR:
            monitor.PAGE = page or monitor.PAGE
            monitor.poll()
        else:
            jobs.run(work, row)
        code = 0
    finally:
        os._exit(code)


class _Part:
    """Stands for the point's name: knows when the part of the work has begun, and stops nobody."""

    def __init__(self, name: str) -> None:
        self._name, self.begun = name, False

    def __eq__(self, passed: object) -> bool:
        self.begun = self.begun or passed == self._name
        return False

    __hash__ = None  # type: ignore[assignment]


def _lie_in_wait(begins: str, moment: str) -> None:
    """Die at the first such moment of that part."""
    from django.db import connections

    from offerhub.chain import http
    from offerhub.core import crash

    connection: Any = connections["default"]
    part = crash._point = _Part(begins)  # type: ignore[assignment]

    def dies(does: Callable[..., Any], *, before: bool = False) -> Callable[..., Any]:
        def watched(*args: Any, **named: Any) -> Any:
            if part.begun and before:
                os._exit(137)
            done = does(*args, **named)
            if part.begun:
                os._exit(137)
            return done

        return watched

    if moment == "answer":
        vars(http._pool)["request"] = dies(http._pool.request)
    elif moment == "statement":
        connection.execute_wrappers.append(dies(lambda execute, *args: execute(*args)))
    else:
        vars(connection)["_commit"] = dies(connection._commit, before=moment == "commit")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

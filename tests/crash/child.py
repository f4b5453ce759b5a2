"""A worker that is killed.

This process imports everything once and then waits. For each line of its input it forks a worker,
which does one piece of work and dies at the named crash point as `kill -9` would end it: at once,
with nothing cleaned up. The worker opens its own database connection and its own sockets.

    python -m tests.crash.child DATABASE SANDBOX_URL
    {"work": "orders.operation", "row": "opr_…", "point": "after_submit"}   ->   137

With `seconds` it dies after so long wherever it is, if it is not done by then (exit code -14).
"""

import importlib
import json
import os
import signal
import sys

import django
from django.conf import settings

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
        if work == MONITOR:
            monitor.PAGE = page or monitor.PAGE
            monitor.poll()
        else:
            jobs.run(work, row)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

"""The process that workers are forked from, one for each test process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from tests.network import ROOT

Killed = Callable[..., int]


@contextmanager
def forked() -> Iterator[Killed]:
    """Do a piece of work in a process that dies at a point; its exit code."""
    # The child must work on the test's database, whose name is not the one of DATABASE_URL.
    arguments = [str(connection.settings_dict["NAME"]), str(settings.SANDBOX_URL)]
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.child", *arguments],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None and child.stdout is not None
    orders, answers = child.stdin, child.stdout

    def run(work: str, row: str = "", *, point: str = "", seconds: float = 0, page: int = 0) -> int:
        order = {"work": work, "row": row, "point": point, "seconds": seconds, "page": page}
        orders.write(json.dumps(order) + "\n")
        orders.flush()
        return int(answers.readline())

    try:
        assert answers.readline() == "ready\n"
        yield run
    finally:
        orders.close()
        child.wait(timeout=30)
        answers.close()

"""The end of the process, played: nothing of it goes on, and its open transaction is rolled back.

A real death is proved by tests/crash; here it can come at any request to the network, any
statement and any named point, thousands of times a minute.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from django.db import connection

from offerhub.core import crash


class Died(BaseException):
    """No `except Exception` stops it, as none stops kill -9."""


class _Point:
    """Stands for the name in OFFERHUB_CRASH_AT: equal to a point's name when it is time to die."""

    def __init__(self, death: "Death") -> None:
        self._death = death

    def __eq__(self, name: object) -> bool:
        return self._death.passes(str(name))

    __hash__ = None  # type: ignore[assignment]


class Death:
    """When the process dies: at each named point with a chance, and at the n-th statement."""

    def __init__(self) -> None:
        self.rng = random.Random(0)  # noqa: S311 (chance that can be repeated is the point)
        self.at_points = 0.0
        self.statements = 0  # how many more may run; zero: as many as they like
        self._where = ""

    def install(self) -> None:
        """Make the product's crash points ask here instead of ending the process."""
        crash._point = _Point(self)  # type: ignore[assignment]
        vars(crash)["os"] = SimpleNamespace(_exit=self._die)

    def passes(self, name: str) -> bool:
        """Whether to die at this point."""
        self._where = name
        return self.at_points > 0 and self.rng.random() < self.at_points

    def _die(self, code: int) -> None:
        raise Died(f"at {self._where}")

    def statement(self, execute: Callable[..., Any], *args: Any) -> Any:
        """Around every statement of a step that is to die at one."""
        if self.statements:
            self.statements -= 1
            if not self.statements:
                raise Died("before a statement")
        return execute(*args)


@contextmanager
def mortal(death: Death, tell: Callable[[str], None]) -> Iterator[None]:
    """A process's life: it ends here when it dies in between. What it had open is rolled back."""
    try:
        with connection.execute_wrapper(death.statement):
            yield
    except Died as died:
        tell(f"died {died}")
    finally:
        death.statements = 0
    assert not connection.in_atomic_block

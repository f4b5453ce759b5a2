"""Transactions as the house uses them, and the column types that every model shares."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from django.db import OperationalError, connection, models, transaction

from offerhub.core import ids

P = ParamSpec("P")
R = TypeVar("R")

RETRIES = 5
SERIALIZATION_FAILURES = frozenset({"40001", "40P01"})


class TransactionOpen(RuntimeError):
    """Code that talks to the outside world was called inside a transaction: a defect."""


def assert_no_transaction() -> None:
    """Raise when a transaction is open: no lock may be held across a network call."""
    if connection.in_atomic_block:
        raise TransactionOpen("the outside world may not be called inside a transaction")


def in_transaction(service: Callable[P, R]) -> Callable[P, R]:
    """Run a service in one transaction; at top level, repeat it after a deadlock (5 times).

    Services lock before they read, so a repeat sees the new state and decides afresh.
    """

    @functools.wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return service(*args, **kwargs)
        for attempt in range(RETRIES):
            try:
                with transaction.atomic():
                    return service(*args, **kwargs)
            except OperationalError as error:
                if sqlstate(error) not in SERIALIZATION_FAILURES or attempt == RETRIES - 1:
                    raise
        raise AssertionError("unreachable")

    return run


def sqlstate(error: Exception) -> str:
    """PostgreSQL's five-character code of a database error, or an empty text."""
    return str(getattr(error.__cause__, "sqlstate", "") or "")


if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
    _BigIntegerField = models.BigIntegerField[int, int]
else:
    _CharField, _BigIntegerField = models.CharField, models.BigIntegerField


class PublicIdField(_CharField):
    """A text primary key or reference holding a public id, in byte order so it sorts by time."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", ids.MAX_LENGTH)
        options.setdefault("db_collation", "C")
        super().__init__(**options)


class AmountField(_BigIntegerField):
    """Stroops (10⁻⁷); never a float, never a decimal."""

"""The life of a difference between books and chain."""

from django.db import models


class DifferenceStatus(models.TextChoices):
    """What became of it. EXPLAINED still waits, but somebody said what it is."""

    OPEN = "OPEN"
    EXPLAINED = "EXPLAINED"
    BOOKED = "BOOKED"  # a correction was agreed to by two people and is in the books
    SUSPENDED = "SUSPENDED"  # the same, and it stands in suspense until its owner is known
    CLOSED = "CLOSED"  # it is no more: what was missing came, or belonged to an operation


class DifferenceType(models.TextChoices):
    """What is known of it."""

    AMOUNT = "AMOUNT"  # the balances differ, and no transaction explains it
    MISSING = "MISSING"  # the chain has transactions that the books lack
    EXTRA = "EXTRA"  # the books have entries that the chain lacks
    TIMING = "TIMING"  # something has been on its way for too long to wait on


WAITING = (DifferenceStatus.OPEN, DifferenceStatus.EXPLAINED)
_ENDS = [DifferenceStatus.BOOKED, DifferenceStatus.SUSPENDED, DifferenceStatus.CLOSED]
DIFFERENCE_EDGES: dict[str, list[str]] = {
    DifferenceStatus.OPEN: [DifferenceStatus.EXPLAINED, *_ENDS],
    DifferenceStatus.EXPLAINED: [DifferenceStatus.OPEN, *_ENDS],
}

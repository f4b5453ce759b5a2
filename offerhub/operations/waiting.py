"""What waits for a person, whoever's it is: how many, and since when."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Min, QuerySet

from offerhub.deposits.models import Deposit, QuarantinedEvent
from offerhub.reconciliation.models import Difference
from offerhub.reconciliation.states import WAITING


class Waiting(NamedTuple):
    """A queue: `oldest` is None when it is empty."""

    number: int
    oldest: datetime | None


def suspense() -> Waiting:
    """Deposits that are nobody's yet. One statement, as each of these."""
    return _of(Deposit.objects.filter(status=Deposit.Status.SUSPENSE), "recorded_at")


def unread() -> Waiting:
    """Events of the chain that could not be read or booked."""
    return _of(QuarantinedEvent.objects.filter(resolved_at=None), "seen_at")


def differing() -> Waiting:
    """Differences between books and chain that are not settled."""
    return _of(Difference.objects.filter(status__in=WAITING), "created_at")


def _of(rows: QuerySet[Any], since: str) -> Waiting:
    return Waiting(**rows.aggregate(number=Count("pk"), oldest=Min(since)))

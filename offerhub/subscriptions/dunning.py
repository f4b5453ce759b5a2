"""When a cycle that could not be paid is tried again, and when that ends.

Days of the schedule count from the first failure. After the last of them there is a time of grace,
and one more try at its end. A cycle that is over itself is not asked for any more, so debts never
pile up.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings


@dataclass(frozen=True)
class Try:
    """When to ask next; after the last one the subscription's policy applies."""

    at: datetime
    is_last: bool


def next_try(failed_since: datetime, cycle_ends_at: datetime, now: datetime) -> Try | None:
    """The next try after one that failed now; None when that was the last."""
    days = settings.SUBSCRIPTION_RETRY_DAYS
    end = failed_since + timedelta(days=max(days, default=0) + settings.SUBSCRIPTION_GRACE_DAYS)
    end = min(end, cycle_ends_at)
    if now >= end:
        return None
    tries = (failed_since + timedelta(days=day) for day in sorted(days))
    at = next((at for at in tries if now < at < end), end)
    return Try(at, at == end)

"""System check: a schedule that makes no sense would ask buyers at the wrong time."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register


@register()
def schedule_makes_sense(**_: Any) -> list[Error]:
    """Days of the retry schedule rise from above zero, and no length of time is negative."""
    days = settings.SUBSCRIPTION_RETRY_DAYS
    rises = all(a < b for a, b in zip([0, *days], days, strict=False))
    lengths = (
        settings.SUBSCRIPTION_PREPARE_HOURS,
        settings.SUBSCRIPTION_GRACE_DAYS,
        settings.SUBSCRIPTION_PAUSE_DAYS,
    )
    if rises and min(lengths) >= 0:
        return []
    return [
        Error(
            "The times of subscriptions make no sense.",
            hint="SUBSCRIPTION_RETRY_DAYS must rise, such as 1,3,5,7; no other may be negative.",
            id="subscriptions.E001",
        )
    ]

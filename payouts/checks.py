"""System check: without its guard a withdrawal over the limit could be paid unasked."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error, Tags, register

from offerhub.core.guards import missing_triggers


@register(Tags.database)
def guard_is_in_place(*, databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """The trigger of sql/guards.sql exists and is always on, once the table exists."""
    return [
        Error(
            f"Withdrawals are not guarded: {name} is missing or not always enabled.",
            hint="Restore it from payouts/sql/.",
            id="payouts.E001",
        )
        for alias in databases or []
        for name in missing_triggers(alias, "payouts_withdrawalattempt", ["attempt_is_approved"])
    ]

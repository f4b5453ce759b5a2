"""System check: without their guards withdrawals could be paid unasked, or twice."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error, Tags, register

from offerhub.core.guards import missing_triggers

GUARDS = {
    "payouts_withdrawalattempt": "attempt_is_approved",
    "payouts_batchitem": "item_is_carried_once",
    "payouts_batch": "batch_is_approved",
}


@register(Tags.database)
def guard_is_in_place(*, databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """The triggers of sql/ exist and are always on, once their tables exist."""
    return [
        Error(
            f"Withdrawals are not guarded: {name} is missing or not always enabled.",
            hint="Restore it from payouts/sql/.",
            id="payouts.E001",
        )
        for alias in databases or []
        for table, trigger in GUARDS.items()
        for name in missing_triggers(alias, table, [trigger])
    ]

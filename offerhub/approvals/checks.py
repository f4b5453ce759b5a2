"""System check: without their guards approvals mean nothing, so such a database may not serve."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error, Tags, register
from django.db import connections

GUARDS = {
    "approvals_proposal": frozenset(
        {"proposal_begins", "proposal_stays", "proposal_kept", "proposal_not_emptied"}
    ),
    "approvals_approval": frozenset({"approval_fits", "approval_kept", "approval_not_emptied"}),
}


@register(Tags.database)
def guards_are_in_place(*, databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """Every trigger of sql/guards.sql exists and is always on, once its table exists."""
    missing: list[str] = []
    for alias in databases or []:
        for table, guards in GUARDS.items():
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
                if not cursor.fetchone()[0]:
                    continue  # not migrated yet
                cursor.execute(
                    "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A' "
                    "AND tgrelid = %s::regclass",
                    [table],
                )
                missing += sorted(guards - {name for (name,) in cursor.fetchall()})
    return [
        Error(
            f"Approvals are not guarded: {name} is missing or not always enabled.",
            hint="Restore it from offerhub/approvals/sql/.",
            id="approvals.E001",
        )
        for name in missing
    ]

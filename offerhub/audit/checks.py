"""System check: without its guards the audit proves nothing, so such a database may not serve."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error, Tags, register

from offerhub.core.guards import missing_triggers

GUARDS = frozenset({"audit_kept", "audit_not_emptied", "audit_continues"})


@register(Tags.database)
def guards_are_in_place(*, databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """Every trigger of sql/guards.sql exists and is always on, once the table exists."""
    return [
        Error(
            f"The audit is not guarded: {name} is missing or not always enabled.",
            hint="Restore it from offerhub/audit/sql/ and run manage.py verify_audit.",
            id="audit.E001",
        )
        for alias in databases or []
        for name in missing_triggers(alias, "audit_staffaction", GUARDS)
    ]

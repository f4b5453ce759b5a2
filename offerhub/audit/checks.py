"""System check: without its guards the audit proves nothing, so such a database may not serve."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error, Tags, register
from django.db import connections

GUARDS = frozenset({"audit_kept", "audit_not_emptied", "audit_continues"})


@register(Tags.database)
def guards_are_in_place(*, databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """Every trigger of sql/guards.sql exists and is always on, once the table exists."""
    missing: list[str] = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT to_regclass('audit_staffaction') IS NOT NULL")
            if not cursor.fetchone()[0]:
                continue  # not migrated yet
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A' "
                "AND tgrelid = 'audit_staffaction'::regclass"
            )
            missing += sorted(GUARDS - {name for (name,) in cursor.fetchall()})
    return [
        Error(
            f"The audit is not guarded: {name} is missing or not always enabled.",
            hint="Restore it from offerhub/audit/sql/ and run manage.py verify_audit.",
            id="audit.E001",
        )
        for name in missing
    ]

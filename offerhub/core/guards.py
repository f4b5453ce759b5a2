"""Whether the database's own guards are there, for the checks at start."""

from collections.abc import Iterable

from django.db import connections


def missing_triggers(alias: str, table: str, wanted: Iterable[str]) -> list[str]:
    """The triggers of a table that are not there or not ALWAYS on; none before it is migrated."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A' "
            "AND tgrelid = to_regclass(%s)",
            [table],
        )
        return sorted(set(wanted) - {name for (name,) in cursor.fetchall()})

"""What a migration may do while processes of the version before still run on the same tables.

It may only expand: what it adds, old code need not write, and what old code reads or writes stays.
Functions of plain states and operations, so that a test can also ask them about a bad migration.
"""

import re
from collections.abc import Iterator, Sequence

from django.db import migrations, models
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# A column of the first kind may become one of the second: everything that was written fits.
WIDER = {
    ("CharField", "TextField"),
    ("IntegerField", "BigIntegerField"),
    ("PositiveSmallIntegerField", "IntegerField"),
    ("PositiveIntegerField", "BigIntegerField"),
    ("SmallIntegerField", "IntegerField"),
}
# What SQL of a migration takes away. A function that is dropped to be made anew with more arguments
# is one that old code calls.
TAKES = re.compile(
    r"\b(DROP\s+(?:TABLE|COLUMN|VIEW|FUNCTION|TYPE|SCHEMA)|RENAME|SET\s+NOT\s+NULL|"
    r"ALTER\s+COLUMN\s+\S+\s+(?:SET\s+DATA\s+)?TYPE|DROP\s+DEFAULT|TRUNCATE|REVOKE)\b",
    re.IGNORECASE,
)
_TAKEN = (ops.RemoveField, ops.DeleteModel, ops.RenameField, ops.RenameModel, ops.AlterModelTable)


def flat(operations: Sequence[Operation]) -> Iterator[Operation]:
    """What is done to the database, without what is only said to Django."""
    for one in operations:
        if isinstance(one, migrations.SeparateDatabaseAndState):
            yield from flat(one.database_operations)
        else:
            yield one


def taken_away(operation: Operation, app: str, before: ProjectState) -> list[str]:
    """What this operation takes from code that knows the tables as they were before."""
    if isinstance(operation, _TAKEN):
        return [operation.describe()]
    if isinstance(operation, ops.RunSQL):
        return [" ".join(found.split()) for found in TAKES.findall(_text(operation.sql))]
    if isinstance(operation, ops.AlterField):
        old = before.models[app, operation.model_name_lower].fields[operation.name]
        what = f"{operation.model_name}.{operation.name}"
        return [f"{what} {change}" for change in narrowed(old, operation.field)]
    return []


def narrowed(old: "models.Field[object, object]", new: "models.Field[object, object]") -> list[str]:
    """In what the second field refuses what the first one took, or is not found where it was."""
    found = []
    kinds = (_kind(old), _kind(new))
    if kinds[0] != kinds[1] and kinds not in WIDER:
        found.append(f"was a {kinds[0]} and becomes a {kinds[1]}")
    if old.null and not new.null:
        found.append("becomes NOT NULL")
    if new.max_length is not None and (old.max_length is None or old.max_length > new.max_length):
        found.append("becomes shorter")
    if new.unique and not old.unique:
        found.append("becomes unique")
    if old.db_column != new.db_column:
        found.append("is another column")
    if _default(old) and not _default(new) and not new.null:
        found.append("loses its default")
    if _numbers(old) > _numbers(new):
        found.append("holds less")
    return found


def _text(sql: object) -> str:
    """SQL of RunSQL: a text, or a list of texts and of pairs of a text and its parameters."""
    if isinstance(sql, str):
        return "\n".join(line.partition("--")[0] for line in sql.splitlines())
    return "\n".join(map(_text, sql)) if isinstance(sql, list | tuple) else ""


def _kind(field: "models.Field[object, object]") -> str:
    """Its type; one of ours counts as the one that it is in the database."""
    kinds = [kind.__name__ for kind in type(field).__mro__ if kind.__module__.startswith("django.")]
    return kinds[0]


def _default(field: "models.Field[object, object]") -> bool:
    return field.db_default is not models.NOT_PROVIDED


def _numbers(field: "models.Field[object, object]") -> tuple[int, int]:
    return (getattr(field, "max_digits", None) or 0, getattr(field, "decimal_places", None) or 0)

"""Rows of statements that are written out, as instances of models.

Where a statement is sent for every step of every sale, putting it together and taking its rows
apart through the ORM costs several times what the database does (decision 7).
"""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


class Columns(Generic[M]):
    """All columns of a model under the alias that its table has in a statement."""

    def __init__(self, model: type[M], alias: str) -> None:
        fields = model._meta.concrete_fields
        self.model, self.width = model, len(fields)
        self.sql = ", ".join(f"{alias}.{field.column}" for field in fields)
        self._names = [field.attname for field in fields]
        self._key = fields.index(model._meta.pk)
        self._converted = [
            (place, field.from_db_value)
            for place, field in enumerate(fields)
            if hasattr(field, "from_db_value")
        ]

    def instance(self, row: Sequence[Any]) -> M:
        """The instance of these columns' values."""
        values = list(row)
        for place, convert in self._converted:
            values[place] = convert(values[place], None, connection)
        return self.model.from_db(connection.alias, self._names, values)

    def found(self, row: Sequence[Any]) -> M | None:
        """The same, or None where an outer join found nothing."""
        return None if row[self._key] is None else self.instance(row)


def remember(owner: models.Model, relation: str, related: models.Model | None) -> None:
    """Keep what a relation leads to, as `select_related` does; None: there is nothing."""
    field: Any = owner._meta.get_field(relation)
    field.set_cached_value(owner, related)
    if related is not None and field.one_to_one:
        field.remote_field.set_cached_value(related, owner)

"""The base of every admin page over rows that only services may change."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from offerhub.core.db import AmountField
from offerhub.core.money import format_amount


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows and changes none: no add, change, delete or bulk action.

    Money shows as decimal text. Lists are newest first by id and never count the whole table.
    """

    actions = None
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are made by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are changed by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is ever deleted."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Every field, amounts as text."""
        return [_shown(field) for field in self.model._meta.fields if field.editable]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The same, in the order of the table."""
        return ["pk", *self.get_readonly_fields(request, obj)]

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("shown_"):
            raise AttributeError(name)
        field = name.removeprefix("shown_")

        @admin.display(description=field.replace("_", " "), ordering=field)
        def show(obj: models.Model) -> str:
            return format_amount(getattr(obj, field))

        return show


def _shown(field: "models.Field[Any, Any]") -> str:
    return f"shown_{field.name}" if isinstance(field, AmountField) else field.name

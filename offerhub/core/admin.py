"""The base of every admin page over rows that only services may change."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from offerhub.core.db import AmountField
from offerhub.core.money import format_amount
from offerhub.core.rights import may

# Signed envelopes could be sent by whoever reads them; leases are tokens of running workers.
NEVER_SHOWN = frozenset({"xdr", "lease"})

# How a state is coloured, beside being said in words; all others are on their way.
STATES = {
    "good": {"ACTIVE", "APPROVED", "COMPLETED", "CONFIRMED", "CREDITED", "FOLLOWING"}
    | {"FUNDED", "RELEASED"},
    "bad": {"DISPUTED", "FAILED", "HALTED", "SUSPENSE", "UNKNOWN"},
    "over": {"CANCELLED", "CLOSED", "REFUNDED"},
}


class ReadOnly:
    """What pages and their tables of related rows have in common: they show, and change nothing.

    Amounts show with their unit and end at the right, states in words, times in UTC, JSON indented.
    """

    model: type[models.Model]
    hidden: frozenset[str] = frozenset()  # fields that this page leaves out
    right = "view_desk"  # what whoever looks must have

    def unit_of(self, obj: Any, field: str) -> str:
        """The asset that an amount is of."""
        return "USDC"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever has the page's right. Django's own permissions count for nothing here."""
        return may(request, self.right)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the page is on the menu."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are made by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are changed by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is ever deleted."""
        return False

    def __getattr__(self, name: str) -> Any:
        kind, _, field = name.partition("_")
        show = _DISPLAYS.get(kind)
        if show is None or not field:
            raise AttributeError(name)
        label = field.replace("_", " ") + (" (UTC)" if kind == "time" else "")

        @admin.display(description=label, ordering=field)
        def display(obj: models.Model) -> Any:
            value = getattr(obj, field)
            return "-" if value is None else show(self, obj, field)

        return display

    def _as_shown(self, name: Any) -> Any:
        """The name of the display of a field; what is no field of the model stays as it is."""
        try:
            field = self.model._meta.get_field(name)
        except (FieldDoesNotExist, TypeError):
            return name
        if isinstance(field, AmountField):
            return f"shown_{name}"
        if isinstance(field, models.JSONField):
            return f"json_{name}"
        if isinstance(field, models.DateTimeField):
            return f"time_{name}"
        if name in ("status", "state"):
            return f"state_{name}"
        if name == "kind":
            return f"word_{name}"
        return name


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows and changes none: no add, change, delete or bulk action. Newest first by id."""

    actions = None
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-pk",)
    also: Sequence[str] = ()  # displays of the detail page that are no fields

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The page's columns, each as its type is shown."""
        return [self._as_shown(name) for name in self.list_display]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Every field but the secret ones."""
        hidden = NEVER_SHOWN | self.hidden
        fields: Iterable[Any] = self.model._meta.fields
        names = [
            field.name
            for field in fields
            if (field.editable or field.primary_key) and field.name not in hidden
        ]
        return [self._as_shown(name) for name in names] + list(self.also)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The same, in the order of the table."""
        return self.get_readonly_fields(request, obj)


class ReadOnlyRows(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    """A table of related rows on the page of another, each with a link to its own page."""

    template = "admin/rows.html"
    extra = 0
    can_delete = False
    columns: Sequence[str] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The columns."""
        return [self._as_shown(name) for name in self.columns]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The same."""
        return self.get_readonly_fields(request, obj)


def _amount(page: ReadOnly, obj: Any, field: str) -> SafeString:
    amount, unit = format_amount(getattr(obj, field)), page.unit_of(obj, field)
    return format_html('<span class="oh-amount">{} {}</span>', amount, unit)


def _json(page: ReadOnly, obj: Any, field: str) -> str:
    value = getattr(obj, field)
    if value in ({}, []):
        return "-"
    return format_html(
        '<pre class="oh-json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False)
    )


def _time(page: ReadOnly, obj: Any, field: str) -> SafeString:
    at: datetime = getattr(obj, field)
    return format_html(
        '<time datetime="{}">{}</time>', at.isoformat(), at.strftime("%Y-%m-%d %H:%M:%S")
    )


def _state(page: ReadOnly, obj: Any, field: str) -> SafeString:
    state = str(getattr(obj, field))
    kind = next((kind for kind, states in STATES.items() if state in states), "under-way")
    return format_html('<span class="oh-state oh-{}">{}</span>', kind, _word(page, obj, field))


def _word(page: ReadOnly, obj: Any, field: str) -> str:
    return str(getattr(obj, field)).replace("_", " ").capitalize()


_DISPLAYS: dict[str, Callable[[ReadOnly, Any, str], Any]] = {
    "shown": _amount,
    "json": _json,
    "time": _time,
    "state": _state,
    "word": _word,
}

"""The base of every admin page over rows that only services may change."""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR, ChangeList
from django.core.exceptions import FieldDoesNotExist
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from offerhub.core import shown
from offerhub.core.db import AmountField
from offerhub.core.rights import may

# Signed envelopes could be sent by whoever reads them; leases are tokens of running workers.
NEVER_SHOWN = frozenset({"xdr", "lease"})
MOST_COUNTED = 10_000  # rows of a list that are counted and can be paged to


class ReadOnly:
    """What pages and their tables of related rows have in common: they show, and change nothing.

    Amounts show with their unit and end at the right, states in words, times in UTC, JSON indented,
    ids, addresses and other rows as links.
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
        if isinstance(field, models.ForeignKey):
            return f"row_{name}"
        if isinstance(field, models.BooleanField):
            return f"yes_{name}"
        if name in ("status", "state"):
            return f"state_{name}"
        if name == "kind" or getattr(field, "choices", None):
            return f"word_{name}"
        if isinstance(field, models.CharField):
            return f"text_{name}"
        return name


class Rows(ChangeList):
    """A list of rows, each of which opens its page of the desk."""

    most_counted = f"{MOST_COUNTED:,}"

    @property
    def uncounted(self) -> bool:
        """Whether there are more rows than anybody counted."""
        return int(self.result_count) > MOST_COUNTED

    @property
    def clear_search(self) -> str:
        """The same list without the text that was searched for."""
        return self.get_query_string(remove=[SEARCH_VAR, PAGE_VAR])

    def url_for_result(self, result: models.Model) -> str:
        """The desk's own page of the row where there is one, else all of its fields."""
        return shown.page_of(str(result.pk)) or super().url_for_result(result)


class Pages(Paginator):  # type: ignore[type-arg]
    """Counts to a limit: nobody pages through a million rows, and counting them takes a while."""

    @cached_property
    def count(self) -> int:
        """At most one more than MOST_COUNTED."""
        rows: Any = self.object_list
        return int(rows.order_by()[: MOST_COUNTED + 1].count())


class Words(admin.ChoicesFieldListFilter):
    """The choices of a field, in words; the empty one says that there is none."""

    def choices(self, changelist: ChangeList) -> Any:
        """All, then each choice of the field."""
        every, *others = super().choices(changelist)
        yield every
        for known, choice in zip(self.field.flatchoices, others, strict=False):
            yield {**choice, "display": shown.words(known[0]) or "No " + self.field.verbose_name}


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows and changes none: no add, change, delete or bulk action. Newest first by id."""

    actions = None
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = Pages
    ordering = ("-pk",)
    also: Sequence[str] = ()  # displays of the detail page that are no fields

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The page's columns, each as its type is shown, times by their age, ids short."""
        first, *others = (self._as_shown(name) for name in self.list_display)
        brief = {"time": "age", "text": "brief", "row": "row"}
        names = [self._as_name(first)]
        for name in others:
            kind, _, field = name.partition("_") if isinstance(name, str) else ("", "", "")
            names.append(f"{brief[kind]}_{field}" if kind in brief else name)
        return names

    @staticmethod
    def _as_name(first: Any) -> Any:
        """The first column is the link to the row, so nothing in it is a link."""
        kind, _, field = first.partition("_") if isinstance(first, str) else ("", "", "")
        return {"text": f"name_{field}", "time": f"time_{field}", "row": field}.get(kind, first)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """The page's filters; choices are written in words."""
        return [(name, Words) if self._chosen(name) else name for name in self.list_filter]

    def _chosen(self, name: Any) -> bool:
        try:
            return bool(getattr(self.model._meta.get_field(name), "choices", None))
        except (FieldDoesNotExist, TypeError):
            return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Rows that open their own pages."""
        return Rows

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
    return shown.amount(getattr(obj, field), page.unit_of(obj, field))


def _json(page: ReadOnly, obj: Any, field: str) -> str:
    value = getattr(obj, field)
    if value in ({}, []):
        return "-"
    return format_html(
        '<pre class="oh-json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False)
    )


def _time(page: ReadOnly, obj: Any, field: str) -> SafeString:
    return shown.moment(getattr(obj, field))


def _age(page: ReadOnly, obj: Any, field: str) -> SafeString:
    return shown.when(getattr(obj, field))


def _state(page: ReadOnly, obj: Any, field: str) -> SafeString:
    return shown.state(getattr(obj, field))


def _word(page: ReadOnly, obj: Any, field: str) -> str:
    return shown.words(getattr(obj, field)) or "-"


def _yes(page: ReadOnly, obj: Any, field: str) -> str:
    return "Yes" if getattr(obj, field) else "No"


def _row(page: ReadOnly, obj: Any, field: str) -> str:
    """Another row, by its name."""
    row = getattr(obj, field)
    page_of_row = shown.page_of(str(row.pk))
    if not page_of_row:
        return str(row)
    if str(row) == row.pk:
        return shown.reference(row.pk, copies=False)
    return format_html('<a href="{}" title="{}">{}</a>', page_of_row, row.pk, row)


def _text(page: ReadOnly, obj: Any, field: str) -> str:
    """Text; what names a record is a link in its full length, with a button to copy it."""
    value = str(getattr(obj, field))
    return shown.reference(value, value) if shown.names_a_record(value) else value or "-"


def _brief(page: ReadOnly, obj: Any, field: str) -> str:
    """The same where room is short."""
    value = str(getattr(obj, field))
    return shown.reference(value, copies=False) if shown.names_a_record(value) else value or "-"


def _name(page: ReadOnly, obj: Any, field: str) -> str:
    """The short form of an id, to be put into a link."""
    value = str(getattr(obj, field))
    if not shown.names_a_record(value):
        return value or "-"
    return format_html('<span class="oh-id" title="{}">{}</span>', value, shown.short(value))


_DISPLAYS: dict[str, Callable[[ReadOnly, Any, str], Any]] = {
    "shown": _amount,
    "json": _json,
    "time": _time,
    "age": _age,
    "state": _state,
    "word": _word,
    "yes": _yes,
    "row": _row,
    "text": _text,
    "brief": _brief,
    "name": _name,
}

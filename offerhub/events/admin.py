"""The event log in the back-office."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from offerhub.core.admin import ReadOnlyAdmin
from offerhub.events.models import Event


class AreaFilter(admin.SimpleListFilter):
    """What events are about. The log itself is never asked which types it holds: it is long."""

    title, parameter_name = "about", "about"
    AREAS = (
        "order",
        "escrow",
        "dispute",
        "subscription",
        "deposit",
        "withdrawal",
        "user",
        "wallet",
    )

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The first words of types."""
        return [(area, f"{area.capitalize()}s") for area in self.AREAS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        """Those of one area."""
        return queryset.filter(type__startswith=f"{self.value()}.") if self.value() else queryset


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("position", "type", "subject", "sequence", "actor", "created_at")
    list_filter = (AreaFilter,)
    search_fields = ("=id", "=subject", "=request_id")

"""The log of calls, for whoever helps a marketplace's engineers."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from offerhub.api.models import ApiCall
from offerhub.core.admin import ReadOnlyAdmin
from offerhub.marketplaces.models import Marketplace

MOST_MARKETPLACES = 50  # offered as a filter; beyond them the search finds


class OutcomeFilter(admin.SimpleListFilter):
    """How calls ended. Bounds, so that no statement counts the log."""

    title, parameter_name = "outcome", "outcome"
    BOUNDS = {"ok": (200, 299), "refused": (400, 499), "failed": (500, 599)}
    LABELS = (("ok", "Went well"), ("refused", "Refused (4xx)"), ("failed", "Failed (5xx)"))

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Went well, refused, failed."""
        return list(self.LABELS)

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiCall]) -> QuerySet[ApiCall]:
        """Those with a status of the class."""
        bounds = self.BOUNDS.get(str(self.value()))
        return queryset.filter(status__range=bounds) if bounds else queryset


class MethodFilter(admin.SimpleListFilter):
    """Reads or writes."""

    title, parameter_name = "method", "method"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The methods that the API takes."""
        return [(method, method) for method in ("GET", "POST", "PATCH", "DELETE")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiCall]) -> QuerySet[ApiCall]:
        """Those of one method."""
        return queryset.filter(method=self.value()) if self.value() else queryset


class MarketplaceFilter(admin.SimpleListFilter):
    """Whose calls."""

    title, parameter_name = "marketplace", "marketplace"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The first ones by name."""
        return list(
            Marketplace.objects.order_by("name").values_list("id", "name")[:MOST_MARKETPLACES]
        )

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiCall]) -> QuerySet[ApiCall]:
        """Those of one marketplace."""
        return queryset.filter(marketplace_id=self.value()) if self.value() else queryset


@admin.register(ApiCall)
class ApiCallAdmin(ReadOnlyAdmin):
    """Finds a call by its request id, its key, or the problem that it met."""

    list_display = (
        "created_at",
        "method",
        "path",
        "status",
        "milliseconds",
        "problem",
        "idempotency",
        "request_id",
    )
    list_filter = (MarketplaceFilter, OutcomeFilter, MethodFilter)
    search_fields = ("=request_id", "=key_id", "=problem")
    search_help_text = "A request id, a key's id, or a problem code"

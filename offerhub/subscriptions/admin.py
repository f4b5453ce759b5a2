"""Subscriptions in the back-office: to look at, not to change."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from offerhub.core.admin import ReadOnlyAdmin, ReadOnlyRows
from offerhub.subscriptions.models import Cycle, Subscription


class CycleRows(ReadOnlyRows):
    model = Cycle
    columns = ("index", "status", "starts_at", "ends_at", "amount", "to_seller", "order", "tries")
    ordering = ("-index",)
    verbose_name_plural = "billing cycles"


class NeedsAPerson(admin.SimpleListFilter):
    """Those whose calls to a contract fail again and again."""

    title = "needs a person"
    parameter_name = "look"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """One choice beside all."""
        return [("1", "a call fails again and again")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Those alone, when chosen."""
        return queryset.needing_a_person() if self.value() == "1" else queryset


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "amount", "interval", "buyer", "seller", "next_at")
    list_filter = ("status", "interval", NeedsAPerson)
    search_fields = ("=id", "=external_ref", "=buyer__external_id", "=seller__external_id")
    list_select_related = ("buyer", "seller")
    inlines = (CycleRows,)

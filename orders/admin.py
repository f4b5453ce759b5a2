"""Orders in the back-office: to look at, not to change."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from ledger.admin import books_link
from offerhub.core.admin import ReadOnlyAdmin, ReadOnlyRows
from orders.models import (
    Campaign,
    Escrow,
    EscrowOperation,
    Milestone,
    Order,
    Pledge,
    Reimbursement,
)


class MilestoneRows(ReadOnlyRows):
    model = Milestone
    columns = ("ref", "status", "amount", "paid_seller", "paid_buyer", "description")


class EscrowRows(ReadOnlyRows):
    model = Escrow
    columns = ("status", "kind", "amount", "funded", "released", "refunded", "contract_id")
    verbose_name_plural = "escrow"


class OperationRows(ReadOnlyRows):
    model = EscrowOperation
    columns = ("kind", "status", "milestone", "attempts", "ledger", "created_at")
    ordering = ("pk",)
    verbose_name_plural = "operations on the chain"


class Quiet(admin.SimpleListFilter):
    """Orders that stand still, for the desk to ask about."""

    title = "stands still"
    parameter_name = "quiet"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """One choice beside all."""
        return [("1", f"for {settings.ORDER_QUIET_DAYS:g} days")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Those alone, when chosen."""
        return queryset.quiet() if self.value() == "1" else queryset


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "amount", "buyer", "seller", "marketplace", "created_at")
    list_filter = ("status", Quiet)
    search_fields = ("=id", "=external_ref", "=buyer__external_id", "=seller__external_id")
    list_select_related = ("buyer", "seller", "marketplace")
    inlines = (MilestoneRows, EscrowRows, OperationRows)
    also = ("books",)

    @admin.display(description="books")
    def books(self, order: Order) -> SafeString:
        """Where it was booked."""
        return books_link(order.marketplace_id, f"order:{order.pk}:")


@admin.register(Milestone)
class MilestoneAdmin(ReadOnlyAdmin):
    list_display = ("id", "order", "ref", "status", "amount", "paid_seller")
    list_filter = ("status",)
    search_fields = ("=id", "=order__id")
    list_select_related = ("order",)


@admin.register(Escrow)
class EscrowAdmin(ReadOnlyAdmin):
    list_display = ("id", "order", "status", "kind", "contract_id", "amount", "funded")
    list_filter = ("status", "kind")
    search_fields = ("=id", "=contract_id", "=order__id")
    list_select_related = ("order",)


@admin.register(EscrowOperation)
class EscrowOperationAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "status", "order", "attempts", "ledger", "created_at")
    list_filter = ("status", "kind")
    search_fields = ("=id", "=hash", "=order__id")
    list_select_related = ("order",)


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    list_display = ("id", "title", "status", "goal", "pledged", "pledges", "failed", "deadline")
    list_filter = ("status", "holds")
    search_fields = ("=id", "=creator__external_id")


@admin.register(Pledge)
class PledgeAdmin(ReadOnlyAdmin):
    list_display = ("order", "campaign", "state", "amount", "settled_at")
    list_filter = ("state",)
    search_fields = ("=order__id", "=campaign__id")
    list_select_related = ("order", "campaign")


class NeedAnEye(admin.SimpleListFilter):
    """Refunds whose fees could not be given back yet."""

    title = "need an eye"
    parameter_name = "eye"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """One choice beside all."""
        return [("1", "waiting for money, or failed")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Those alone, when chosen."""
        return queryset.need_an_eye() if self.value() == "1" else queryset


@admin.register(Reimbursement)
class ReimbursementAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "order", "amount", "platform_fee", "protocol_fee", "created_at")
    list_filter = ("status", NeedAnEye)
    search_fields = ("=id", "=hash", "=order__id")
    list_select_related = ("order",)

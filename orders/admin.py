"""Orders in the back-office: to look at, not to change."""

from django.contrib import admin

from offerhub.core.admin import ReadOnlyAdmin
from orders.models import Escrow, EscrowOperation, Milestone, Order


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "shown_amount", "buyer", "seller", "marketplace", "created_at")
    list_filter = ("status",)
    search_fields = ("=id", "=external_ref", "=buyer__external_id", "=seller__external_id")
    list_select_related = ("buyer", "seller", "marketplace")


@admin.register(Milestone)
class MilestoneAdmin(ReadOnlyAdmin):
    list_display = ("id", "order", "ref", "status", "shown_amount", "shown_paid_seller")
    list_filter = ("status",)
    search_fields = ("=id", "=order__id")
    list_select_related = ("order",)


@admin.register(Escrow)
class EscrowAdmin(ReadOnlyAdmin):
    list_display = ("id", "order", "status", "kind", "contract_id", "shown_amount", "shown_funded")
    list_filter = ("status", "kind")
    search_fields = ("=id", "=contract_id", "=order__id")
    list_select_related = ("order",)


@admin.register(EscrowOperation)
class EscrowOperationAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "status", "order", "attempts", "ledger", "created_at")
    list_filter = ("status", "kind")
    search_fields = ("=id", "=hash", "=order__id")
    list_select_related = ("order",)

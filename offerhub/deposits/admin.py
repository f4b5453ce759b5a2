"""Deposits and the state of the monitor in the back-office: to look at, not to change."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from ledger.admin import books_link
from offerhub.core.admin import ReadOnlyAdmin
from offerhub.deposits.models import ChainCursor, Deposit, QuarantinedEvent, WalletScan


@admin.register(Deposit)
class DepositAdmin(ReadOnlyAdmin):
    list_display = (
        *("id", "status", "reason", "amount", "user", "holder"),
        *("marketplace", "closed_at"),
    )
    list_filter = ("status", "reason", "holder")
    search_fields = ("=id", "=tx_hash", "=address", "=operation", "=user__external_id", "=sender")
    list_select_related = ("user", "marketplace")
    also = ("books",)

    def unit_of(self, obj: Any, field: str) -> str:
        return str(obj.asset_code)

    @admin.display(description="books")
    def books(self, deposit: Deposit) -> SafeString:
        """Where it was booked."""
        return books_link(deposit.marketplace_id, deposit.source)


@admin.register(ChainCursor)
class ChainCursorAdmin(ReadOnlyAdmin):
    list_display = ("network", "state", "ledger", "latest_ledger", "updated_at", "problem")


@admin.register(QuarantinedEvent)
class QuarantinedEventAdmin(ReadOnlyAdmin):
    list_display = ("event", "network", "ledger", "problem", "seen_at", "resolved_at")
    list_filter = ("network",)
    search_fields = ("=event", "=tx_hash")


@admin.register(WalletScan)
class WalletScanAdmin(ReadOnlyAdmin):
    list_display = ("wallet", "scanned_at", "due_at", "problem")
    search_fields = ("=wallet__address", "=wallet__id")
    list_select_related = ("wallet",)

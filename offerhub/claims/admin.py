"""Claimable balances and claims in the back-office: to look at, not to change."""

from typing import Any

from django.contrib import admin

from offerhub.claims.models import Claim, ClaimableBalance, ClaimWatch
from offerhub.core.admin import ReadOnlyAdmin


@admin.register(ClaimableBalance)
class ClaimableBalanceAdmin(ReadOnlyAdmin):
    list_display = ("id", "state", "reason", "amount", "wallet", "marketplace", "seen_at")
    list_filter = ("state", "reason")
    search_fields = ("=id", "=balance_id", "=wallet__address", "=sponsor")
    list_select_related = ("wallet", "marketplace")

    def unit_of(self, obj: Any, field: str) -> str:
        return str(obj.asset_code)


@admin.register(Claim)
class ClaimAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "balance", "source_wallet", "created_at")
    list_filter = ("status",)
    search_fields = ("=id", "=hash", "=balance__id")
    list_select_related = ("balance", "source_wallet")


@admin.register(ClaimWatch)
class ClaimWatchAdmin(ReadOnlyAdmin):
    list_display = ("wallet", "asked_at", "due_at", "skipped", "problem")
    search_fields = ("=wallet__address", "=wallet__id")
    list_select_related = ("wallet",)

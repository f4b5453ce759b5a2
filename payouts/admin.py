"""Withdrawals in the back-office: to look at, not to change."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from ledger.admin import books_link
from offerhub.core.admin import ReadOnlyAdmin, ReadOnlyRows
from payouts.models import Withdrawal, WithdrawalAttempt


class AttemptRows(ReadOnlyRows):
    model = WithdrawalAttempt
    columns = ("status", "attempts", "hash", "ledger", "created_at")
    verbose_name_plural = "payments"


@admin.register(Withdrawal)
class WithdrawalAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "amount", "user", "destination", "memo", "created_at")
    list_filter = ("status",)
    search_fields = ("=id", "=external_ref", "=user__external_id", "=destination", "=hash")
    list_select_related = ("user",)
    inlines = (AttemptRows,)
    also = ("books",)

    def unit_of(self, obj: Any, field: str) -> str:
        return "XLM" if field == "fee" else "USDC"

    @admin.display(description="books")
    def books(self, withdrawal: Withdrawal) -> SafeString:
        """Where it was booked."""
        return books_link(withdrawal.marketplace_id, f"withdrawal:{withdrawal.pk}:")


@admin.register(WithdrawalAttempt)
class WithdrawalAttemptAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "withdrawal", "attempts", "ledger", "created_at")
    list_filter = ("status",)
    search_fields = ("=id", "=hash", "=withdrawal__id")
    list_select_related = ("withdrawal",)

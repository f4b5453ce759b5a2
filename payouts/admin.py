"""Withdrawals, batches and what they may do in the back-office: to look at, not to change."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from ledger.admin import books_link
from offerhub.core.admin import ReadOnlyAdmin, ReadOnlyRows
from payouts.models import (
    Batch,
    BatchItem,
    BatchPayment,
    PayoutPolicy,
    SavedDestination,
    Withdrawal,
    WithdrawalAttempt,
)


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


class ItemRows(ReadOnlyRows):
    model = BatchItem
    fk_name = "payment"
    columns = ("batch", "position", "state", "withdrawal", "amount")
    verbose_name_plural = "withdrawals"


@admin.register(BatchPayment)
class BatchPaymentAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "source_wallet", "attempts", "ledger", "created_at")
    list_filter = ("status",)
    search_fields = ("=id", "=hash")
    list_select_related = ("source_wallet",)
    inlines = (ItemRows,)


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "size", "external_ref", "marketplace", "created_at")
    list_filter = ("status",)
    search_fields = ("=id", "=external_ref")
    list_select_related = ("marketplace",)


@admin.register(SavedDestination)
class SavedDestinationAdmin(ReadOnlyAdmin):
    list_display = ("id", "label", "user", "address", "memo", "created_at", "archived_at")
    search_fields = ("=id", "=address", "=user__external_id")
    list_select_related = ("user",)


@admin.register(PayoutPolicy)
class PayoutPolicyAdmin(ReadOnlyAdmin):
    list_display = ("id", "marketplace", "paused", "address_book_only", "most", "most_day")
    list_select_related = ("marketplace",)

"""Withdrawals in the back-office: to look at, not to change."""

from django.contrib import admin

from offerhub.core.admin import ReadOnlyAdmin
from payouts.models import Withdrawal, WithdrawalAttempt


@admin.register(Withdrawal)
class WithdrawalAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "shown_amount", "user", "destination", "memo", "created_at")
    list_filter = ("status",)
    search_fields = ("=id", "=external_ref", "=user__external_id", "=destination", "=hash")
    list_select_related = ("user",)


@admin.register(WithdrawalAttempt)
class WithdrawalAttemptAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "withdrawal", "attempts", "ledger", "created_at")
    list_filter = ("status",)
    search_fields = ("=id", "=hash", "=withdrawal__id")
    list_select_related = ("withdrawal",)

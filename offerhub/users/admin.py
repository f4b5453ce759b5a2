"""Buyers, sellers and their wallets in the back-office. The sealed key is never shown."""

from typing import Any

from django.contrib import admin

from offerhub.core.admin import ReadOnlyAdmin
from offerhub.users.models import User, Wallet


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("id", "external_id", "name", "email", "marketplace", "created_at")
    search_fields = ("=id", "=external_id", "=email")
    list_select_related = ("marketplace",)


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    list_display = ("address", "kind", "status", "user", "fee_budget", "marketplace")
    list_filter = ("kind", "status")
    search_fields = ("=id", "=address", "=user__external_id")
    list_select_related = ("user", "marketplace")

    def unit_of(self, obj: Any, field: str) -> str:
        return "XLM"

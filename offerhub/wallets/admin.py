"""Operations on wallets in the back-office."""

from django.contrib import admin

from offerhub.core.admin import ReadOnlyAdmin
from offerhub.wallets.models import WalletOperation


@admin.register(WalletOperation)
class WalletOperationAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "status", "wallet", "attempts", "ledger", "created_at")
    list_filter = ("status", "kind")
    search_fields = ("=id", "=hash", "=wallet__address")
    list_select_related = ("wallet",)

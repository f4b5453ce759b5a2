"""Clearances in the back-office: to look at, not to change."""

from typing import Any

from django.contrib import admin

from offerhub.core.admin import ReadOnlyAdmin
from offerhub.suspense.models import Clearance


@admin.register(Clearance)
class ClearanceAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "status", "amount", "deposit", "user", "created_at")
    list_filter = ("status", "kind")
    search_fields = ("=id", "=hash", "=deposit__id")
    list_select_related = ("deposit", "user")

    def unit_of(self, obj: Any, field: str) -> str:
        return str(obj.deposit.asset_code)

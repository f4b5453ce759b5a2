"""Reconciliation in the back-office's records: to look at, not to change."""

from typing import Any

from django.contrib import admin

from offerhub.core.admin import ReadOnlyAdmin
from offerhub.reconciliation.models import Difference, Proof, Run


@admin.register(Difference)
class DifferenceAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "status", "kind", "owner", "books", "chain", "created_at")
    list_filter = ("status", "type")
    search_fields = ("=id", "=owner")

    def unit_of(self, obj: Any, field: str) -> str:
        return str(obj.asset)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "address", "checked", "undecided", "different", "created_at")
    list_filter = ("status",)
    search_fields = ("=id", "=address")


@admin.register(Proof)
class ProofAdmin(ReadOnlyAdmin):
    list_display = ("id", "marketplace", "owed", "held", "leaves", "created_at")
    search_fields = ("=id", "=root_hash")
    hidden = frozenset({"attached"})
    list_select_related = ("marketplace",)

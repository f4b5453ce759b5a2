"""The event log in the back-office."""

from django.contrib import admin

from offerhub.core.admin import ReadOnlyAdmin
from offerhub.events.models import Event


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("position", "type", "subject", "sequence", "actor", "created_at")
    list_filter = ("type",)
    search_fields = ("=id", "=subject", "=request_id")

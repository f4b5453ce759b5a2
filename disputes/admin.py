"""Disputes as plain tables in the back-office, to look at; staff work on the case page."""

from django.contrib import admin

from disputes.models import Dispute, DisputedMilestone, Message, Reason, Statement, Template
from offerhub.core.admin import ReadOnlyAdmin, ReadOnlyRows


class MilestoneRows(ReadOnlyRows):
    model = DisputedMilestone
    columns = ("milestone", "is_open", "to_seller", "to_buyer")
    verbose_name_plural = "disputed milestones"


class StatementRows(ReadOnlyRows):
    model = Statement
    columns = ("party", "status", "text", "submitted_at")


class MessageRows(ReadOnlyRows):
    model = Message
    columns = ("sender", "text", "created_at")


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "reason", "amount", "order", "opened_by", "created_at")
    list_filter = ("status", "opened_by")
    search_fields = ("=id", "=order__id", "=order__external_ref")
    list_select_related = ("order",)
    inlines = (MilestoneRows, StatementRows, MessageRows)


@admin.register(Reason)
class ReasonAdmin(ReadOnlyAdmin):
    list_display = ("code", "use", "label", "position", "is_active")
    list_filter = ("use", "is_active")
    ordering = ("position",)


@admin.register(Template)
class TemplateAdmin(ReadOnlyAdmin):
    list_display = ("title", "reason", "is_active")
    list_select_related = ("reason",)
    ordering = ("title",)

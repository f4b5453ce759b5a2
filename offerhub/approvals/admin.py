"""Proposals in the back-office: to look at. Each kind has its own page to decide on."""

from django.contrib import admin

from offerhub.approvals.models import Approval, Proposal
from offerhub.core.admin import ReadOnlyAdmin, ReadOnlyRows


class ApprovalRows(ReadOnlyRows):
    model = Approval
    columns = ("verdict", "approver", "note", "created_at")
    verbose_name_plural = "verdicts"


@admin.register(Proposal)
class ProposalAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "status",
        "kind",
        "subject",
        "amount",
        "proposer",
        "why_required",
        "created_at",
    )
    list_filter = ("status", "kind")
    search_fields = ("=id", "=subject", "=group", "=proposer")
    inlines = (ApprovalRows,)


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ("id", "verdict", "proposal", "proposer", "approver", "created_at")
    list_filter = ("verdict",)
    search_fields = ("=id", "=proposal__id", "=approver", "=proposer")
    list_select_related = ("proposal",)

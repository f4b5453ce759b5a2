"""The page of one dispute: all that is known of it, and the panel that decides it."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from disputes.models import Dispute, Evidence, Statement
from disputes.states import Party
from offerhub.core import clock
from offerhub.core.errors import InvalidRequest
from offerhub.core.money import format_amount
from offerhub.desk import panels, timeline
from offerhub.desk.agreement import Agreement, agreement
from offerhub.desk.case_forms import AskForm, MessageForm, NoteForm, read_shares
from offerhub.desk.clocks import clocks
from offerhub.desk.pages import Crumb, page
from offerhub.marketplaces.roles import Right, may


def get_case(dispute_id: str) -> Dispute:
    """The dispute with all that its page shows of it; 404 when there is none."""
    rows = Dispute.objects.for_display().select_related("decision_reason")
    found: Dispute | None = rows.filter(pk=dispute_id).first()
    if found is None:
        raise Http404
    return found


@page("cases/<str:dispute_id>/", "case", look=Right.VIEW)
def case(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """The whole page."""
    return drawn(request, get_case(dispute_id))


@page("cases/<str:dispute_id>/live/", "case_live", look=Right.VIEW)
def live(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """The parts that follow a settlement, for the page to put in place of its own."""
    return TemplateResponse(request, "desk/case_live.html", context(request, get_case(dispute_id)))


@page("cases/<str:dispute_id>/preview/", "case_preview", look=Right.VIEW)
def preview(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """What the shares in the address would do: the same function that posts, run dry."""
    dispute = get_case(dispute_id)
    try:
        shown = panels.preview_of(dispute, read_shares(dispute, request.GET))
    except InvalidRequest as refusal:
        shown = {"preview_problem": refusal.detail}
    return TemplateResponse(request, "desk/preview.html", shown)


def drawn(
    request: HttpRequest,
    dispute: Dispute,
    *,
    refusal: str = "",
    forms: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page, with what was refused and the forms as they were sent."""
    shown = {**context(request, dispute, forms or {}), "refusal": refusal}
    return TemplateResponse(request, "desk/case.html", shown, status=status)


def context(
    request: HttpRequest, dispute: Dispute, sent: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Everything that the templates of a case show."""
    now, sent = clock.now(), sent or {}
    order = dispute.order
    opener = order.seller if dispute.opened_by == Party.SELLER else order.buyer
    known = agreement(order)
    first = {"version": dispute.version}
    return {
        **admin.site.each_context(request),
        "title": dispute.id,
        "crumbs": [Crumb("Disputes", reverse("admin:disputes"))],
        "dispute": dispute,
        "clocks": clocks(dispute, now),
        "opener_url": reverse("admin:user", args=[opener.pk]),
        "mine": dispute.assignee_id == request.user.pk,
        "may_work": may(request, Right.WORK_CASES),
        "may_ask": dispute.status in ("OPEN", "UNDER_REVIEW"),
        "disputed": {row.milestone_id for row in dispute.milestones.all()},
        "agreement": known,
        **_agreement_words(known),
        "sides": _sides(dispute),
        "files": [_file(row) for row in dispute.evidence.all()],
        "kinds": timeline.KINDS,
        "moments": timeline.of_case(dispute),
        "note_form": sent.get("note") or NoteForm(initial=first),
        "message_form": sent.get("message") or MessageForm(initial=first),
        "ask_form": sent.get("ask") or AskForm(initial=first),
        **panels.panel(request, dispute, known, sent.get("proposal")),
    }


def _agreement_words(known: Agreement) -> dict[str, Any]:
    chain = known.chain_balance
    return {
        "read_ago": int((clock.now() - known.read_at).total_seconds()) if known.read_at else 0,
        "order_text": format_amount(known.order_balance),
        "ledger_text": format_amount(known.ledger_balance),
        "chain_text": "not read" if chain is None else format_amount(chain),
    }


def _sides(dispute: Dispute) -> list[dict[str, Any]]:
    """Both parties' statements; drafts are nobody's but the party's."""
    said = list(dispute.statements.filter(status=Statement.Status.SUBMITTED))
    order = dispute.order
    return [
        {
            "name": name,
            "user": user,
            "statements": [row for row in said if row.party == party],
            "empty": f"The {name.lower()} has not said anything yet.",
        }
        for name, party, user in (
            ("Buyer", Party.BUYER, order.buyer),
            ("Seller", Party.SELLER, order.seller),
        )
    ]


def _file(row: Evidence) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "party": row.get_party_display().lower(),
        "size": row.size,
        "sha256": row.sha256,
        "created_at": row.created_at,
        "url": reverse("admin:evidence_file", args=[row.pk]),
        "preview": reverse("admin:evidence_preview", args=[row.pk, 1]) if row.preview_count else "",
    }

"""The queue of disputes: tabs with counts, one line per case, oldest due first."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from disputes import services
from disputes.models import Dispute
from disputes.queues import TABS, Tab
from offerhub.core import clock
from offerhub.core.errors import Refusal
from offerhub.desk.acting import staff_action
from offerhub.desk.clocks import most_urgent, span
from offerhub.desk.finance import export_address
from offerhub.desk.pages import page, show
from offerhub.marketplaces.models import StaffUser
from offerhub.marketplaces.roles import Right, may

PER_PAGE = 50


def counts(me: Any) -> dict[str, int]:
    """How many cases are in each open queue: one statement over the open ones alone."""
    rows = Dispute.objects.open()
    found = rows.aggregate(
        **{tab.key: Count("pk", filter=_condition(tab, me)) for tab in TABS if tab.key != "closed"}
    )
    return {key: int(value) for key, value in found.items()}


def _condition(tab: Tab, me: Any) -> Q:
    """The tab's rows as a condition of one statement."""
    rows = tab.rows(Dispute.objects.all(), me)
    return Q(pk__in=rows.values("pk"))


@page("cases/", "disputes", look=Right.VIEW, act=Right.WORK_CASES)
def queue(request: HttpRequest) -> HttpResponse:
    """GET a tab of the queue; POST takes or releases the chosen cases."""
    if request.method == "POST":
        return _assign_many(request)
    return _show(request)


def _show(request: HttpRequest, refusal: str = "", status: int = 200) -> HttpResponse:
    tab = next((tab for tab in TABS if tab.key == request.GET.get("tab")), TABS[0])
    order = F("closed_at").desc() if tab.key == "closed" else F("decision_due_at").asc()
    rows = tab.rows(Dispute.objects.for_display(), request.user).order_by(order, "id")
    number = counts(request.user)
    total = number.get(tab.key)
    paginator = Paginator(rows, PER_PAGE)
    if total is not None:
        paginator.count = total
    chosen = paginator.get_page(request.GET.get("p"))
    now = clock.now()
    return show(
        request,
        "desk/queue.html",
        title="Disputes",
        refusal=refusal,
        status=status,
        tabs=[(one, number.get(one.key)) for one in TABS],
        tab=tab,
        shown=chosen,
        rows=[_line(row, now) for row in chosen],
        may_work=may(request, Right.WORK_CASES),
        export=may(request, Right.EXPORT)
        and export_address("disputes.v1", view="disputes.dispute", query=f"tab={tab.key}"),
    )


def _line(row: Dispute, now: Any) -> dict[str, Any]:
    due = most_urgent(row, now)
    return {
        "dispute": row,
        "what": f"{row.reason} · {', '.join(m.milestone.ref for m in row.milestones.all())}",
        "age": span((row.closed_at or now) - row.created_at),
        "due": due,
        "unread": row.is_open and row.is_unread,
        "stuck": row.problem is not None,
    }


def _assign_many(request: HttpRequest) -> HttpResponse:
    """Take or release several: no money moves here, each case for itself."""
    me = StaffUser.objects.get(username=request.user.get_username())
    to = me if request.POST.get("act") == "take" else None
    refused = []
    for dispute_id in request.POST.getlist("chosen")[:PER_PAGE]:
        try:
            with staff_action(request, "dispute.assign", subject=dispute_id) as act:
                services.assign(dispute_id=dispute_id, to=to, actor=act.actor)
        except Refusal as refusal:
            refused.append(f"{dispute_id}: {refusal.detail}")
    if refused:
        return _show(request, " ".join(refused), status=409)
    tab = request.GET.get("tab", "")
    return HttpResponseRedirect(reverse("admin:disputes") + (f"?tab={tab}" if tab else ""))

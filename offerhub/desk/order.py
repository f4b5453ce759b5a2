"""The page of an order: parties, milestones, and what order, ledger and chain each say of them."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from ledger.chart import DEBIT
from ledger.models import Entry, Posting
from offerhub.core import shown
from offerhub.desk import operations, timeline
from offerhub.desk.agreement import agreement
from offerhub.desk.pages import Crumb, page, show
from offerhub.marketplaces.models import RefundFees
from offerhub.marketplaces.roles import Right
from orders.models import Escrow, Order, Reimbursement


@page("order/<str:order_id>/", "order", look=Right.VIEW)
def order(request: HttpRequest, order_id: str) -> HttpResponse:
    """At most fourteen statements and, where there is a contract, one reading of the chain."""
    rows = Order.objects.select_related("buyer__wallet", "seller__wallet", "marketplace", "escrow")
    rows = rows.select_related("subscription_cycle")
    found = rows.filter(pk=order_id).first()
    if found is None:
        raise Http404
    escrow: Escrow | None = getattr(found, "escrow", None)
    calls = found.operations.select_related("milestone", "source_wallet").defer("xdr")
    entries = Entry.objects.of_order(found.marketplace_id, found.pk).with_lines()
    return show(
        request,
        "desk/order.html",
        title=found.pk,
        crumbs=[Crumb("Orders", reverse("admin:orders_order_changelist"))],
        order=found,
        escrow=escrow,
        milestones=found.milestones.select_related("window"),
        agreement=agreement(found) if escrow and escrow.contract_id else None,
        operations=[operations.line(call) for call in calls.order_by("pk")],
        reimbursements=_reimbursements(found),
        entries=[entry_line(entry) for entry in entries],
        disputes=found.disputes.select_related("assignee").order_by("-pk"),
        moments=timeline.of_order(found.pk),
        kinds=timeline.KINDS,
    )


def _reimbursements(order: Order) -> list[Reimbursement]:
    """What the marketplace gives back of refunds; asked for only where it bears their fees."""
    if order.refund_fees_borne_by != RefundFees.MARKETPLACE:
        return []
    return list(order.reimbursements.select_related("milestone").defer("xdr").order_by("pk"))


def entry_line(entry: Entry) -> dict[str, Any]:
    """An entry with its two sides, as lists show it."""
    return {"entry": entry, "kind": shown.words(entry.kind), "lines": [*map(_leg, _legs(entry))]}


def _legs(entry: Entry) -> list[Posting]:
    return sorted(entry.postings.all(), key=lambda line: (line.amount < 0, line.pk))


def _leg(line: Posting) -> dict[str, Any]:
    return {
        "account": line.account,
        "side": "debit" if line.amount * DEBIT > 0 else "credit",
        "amount": abs(line.amount),
        "unit": line.asset,
    }

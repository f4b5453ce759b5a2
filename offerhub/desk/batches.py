"""Batches of withdrawals: the list, one with its progress and items, and its results as a file."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from offerhub.approvals.models import Proposal
from offerhub.core.money import format_amount
from offerhub.desk.pages import Crumb, page, show
from offerhub.marketplaces.roles import Right, may
from payouts import sheets
from payouts.batch_bodies import items_of
from payouts.batches import GROUPS, group_of, summary
from payouts.models import Batch, BatchItem
from payouts.states import BatchStatus

PER_PAGE = 50
# Lists are uploaded by finance and operations: the right that both have, and nobody else.
UPLOAD = Right.ASSIGN_DEPOSIT
WORDS = {
    "checking": "being checked",
    "refused": "refused",
    "held": "wait for approval",
    "waiting": "wait for a payment",
    "onTheWay": "on their way",
    "completed": "paid",
    "failed": "failed, money back",
    "cancelled": "called back",
}
TONES = {"refused": "bad", "failed": "bad", "completed": "good", "cancelled": "over", "held": "way"}
COLUMNS = [
    *("line", "userId", "amount", "destination", "memo", "reference"),
    *("result", "withdrawal", "hash", "feeXlm", "code", "detail"),
]


@page("batches/", "batches", look=Right.VIEW)
def batches(request: HttpRequest) -> HttpResponse:
    """Newest first. One statement, and one for each that is shown."""
    rows = Batch.objects.select_related("marketplace").order_by("-pk")
    before = request.GET.get("before", "")[:32]
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PER_PAGE + 1])
    return show(
        request,
        "desk/batches.html",
        title="Batches of withdrawals",
        rows=[(row, summary(row)) for row in found[:PER_PAGE]],
        newer="?" if before else "",
        older=f"?before={found[PER_PAGE - 1].pk}" if len(found) > PER_PAGE else "",
        may_upload=may(request, UPLOAD),
    )


@page("batch/<str:batch_id>/", "batch", look=Right.VIEW)
def batch(request: HttpRequest, batch_id: str) -> HttpResponse:
    """Where its items are, and each of them. Before it is agreed to: the page of its proposal."""
    row = Batch.objects.select_related("marketplace", "proposal").filter(pk=batch_id).first()
    if row is None:
        proposal = Proposal.objects.filter(subject=batch_id, kind="withdrawal_batch").first()
        if proposal is None:
            raise Http404
        return HttpResponseRedirect(reverse("admin:batch_approval", args=[proposal.pk]))
    progress = summary(row)
    done = sum(progress["counts"][name] for name in ("refused", "completed", "failed", "cancelled"))
    return show(
        request,
        "desk/batch.html",
        title=row.pk,
        crumbs=[Crumb("Batches", reverse("admin:batches"))],
        batch=row,
        progress=progress,
        done=done,
        counts=[
            (WORDS[name], progress["counts"][name], TONES.get(name, "under-way"))
            for name in GROUPS
            if progress["counts"][name]
        ],
        items=[line(item) for item in items_of(row)],
        finished=row.status == BatchStatus.FINISHED,
    )


@page("batch/<str:batch_id>/results.csv", "batch_results", look=Right.VIEW)
def results(request: HttpRequest, batch_id: str) -> HttpResponse:
    """What became of each item so far, for a spreadsheet."""
    row = Batch.objects.filter(pk=batch_id).first()
    if row is None:
        raise Http404
    content = sheets.write(COLUMNS, (_cells(line(item)) for item in items_of(row)))
    answer = HttpResponse(content, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{row.pk}.csv"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def line(item: BatchItem) -> dict[str, Any]:
    """One item as the page and the file show it."""
    withdrawal, payment = item.withdrawal, item.payment
    group = group_of(item.state, withdrawal.status if withdrawal else None)
    on_its_way = payment.hash if payment is not None and payment.is_live else ""
    problem = (withdrawal.problem if withdrawal else None) or item.problem or {}
    return {
        "item": item,
        "number": item.position + 1,
        "destination": withdrawal.destination if withdrawal else item.destination,
        "memo": withdrawal.memo if withdrawal else item.memo,
        "group": group,
        "words": WORDS[group],
        "tone": TONES.get(group, "under-way"),
        "withdrawal": withdrawal.pk if withdrawal else "",
        "hash": on_its_way or (withdrawal.hash if withdrawal else ""),
        "fee": withdrawal.fee if withdrawal else 0,
        "code": problem.get("code", ""),
        "problem": problem.get("detail", ""),
    }


def _cells(shown: dict[str, Any]) -> list[Any]:
    item: BatchItem = shown["item"]
    return [
        shown["number"],
        item.user_ref,
        format_amount(item.amount),
        shown["destination"],
        shown["memo"],
        item.external_ref,
        shown["words"],
        shown["withdrawal"],
        shown["hash"],
        format_amount(shown["fee"]) if shown["fee"] else "",
        shown["code"],
        shown["problem"],
    ]

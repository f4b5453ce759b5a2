"""Differences between books and chain: the list, the page of one, and settling it."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from ledger import adjustments
from ledger.adjustments import Reason
from ledger.models import Entry
from offerhub.core.errors import InvalidRequest, Refusal
from offerhub.core.ids import has_prefix, new_id
from offerhub.desk import timeline
from offerhub.desk.acting import Acting
from offerhub.desk.order import entry_line
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.marketplaces.models import Marketplace
from offerhub.marketplaces.roles import Right, may
from offerhub.reconciliation import differences, runs
from offerhub.reconciliation.models import Difference, Run, Undecided
from offerhub.reconciliation.states import WAITING

PER_PAGE = 50
TABS = (("waiting", "Waiting"), ("ended", "Settled"))
AGAINST = {
    differences.USER: "The user's money: it is theirs",
    differences.SUSPENSE: "Suspense: nobody knows yet whose it is",
    differences.EXPENSE: "The account of differences: a cost, or a gain, of the marketplace",
}
MEANS = {
    "MISSING": "The chain has transactions that the books lack.",
    "EXTRA": "The books have entries that the chain lacks.",
    "AMOUNT": "The balances differ, and no transaction explains it.",
    "TIMING": "Something has been on its way for longer than anybody waits.",
}


@page("books-and-chain/", "reconciliation", look=Right.VIEW)
def reconciliation(request: HttpRequest) -> HttpResponse:
    """What waits, oldest first, or what was settled, newest first; and how the rounds go."""
    ended = request.GET.get("view") == "ended"
    rows = Difference.objects.select_related("marketplace", "proposal")
    after = request.GET.get("after", "").replace("\0", "")[:32]
    if ended:
        rows = rows.exclude(status__in=WAITING).order_by("-pk")
        rows = rows.filter(pk__lt=after) if after else rows
    else:
        rows = rows.filter(status__in=WAITING, pk__gt=after).order_by("pk")
    found = list(rows[: PER_PAGE + 1])
    asked = Run.objects.filter(marketplace__isnull=False).select_related("marketplace")
    view = "ended" if ended else "waiting"
    older = f"?view={view}&after={found[PER_PAGE - 1].pk}" if len(found) > PER_PAGE else ""
    return show(
        request,
        "desk/reconciliation.html",
        title="Books and chain",
        tabs=TABS,
        view=view,
        rows=found[:PER_PAGE],
        newer=f"?view={view}" if after else "",
        older=older,
        round=Run.objects.filter(marketplace=None).order_by("-pk").first(),
        on_its_way=Undecided.objects.count(),
        runs=list(asked.order_by("-pk")[:5]),
        markets=list(Marketplace.objects.order_by("name")[:100]),
        may_act=may(request, Right.EXPORT),
    )


@page("books-and-chain/compare/", "books_compare", look=Right.EXPORT, act=Right.EXPORT)
def run(request: HttpRequest) -> HttpResponse:
    """Compare now: a marketplace, or one address of it."""
    if request.method != "POST":
        return reconciliation(request)
    market, address = request.POST.get("marketplace", ""), request.POST.get("address", "")

    def change(acting: Acting) -> str:
        if not Marketplace.objects.filter(pk=market.replace("\0", "")).exists():
            raise InvalidRequest("Choose a marketplace")
        made = runs.request_run(
            marketplace_id=market, address=address.strip()[:56], actor=acting.actor
        )
        acting.subject, acting.marketplace = made.pk, market
        acting.after = {"address": made.address}
        return f"Comparison {made.pk} has begun."

    def again(refusal: Refusal) -> HttpResponse:
        return show(
            request,
            "desk/reconciliation.html",
            title="Books and chain",
            refusal=refusal,
            tabs=TABS,
            view="waiting",
            rows=[],
        )

    back = request.POST.get("back", "")
    to = reverse("admin:reconciliation")
    if has_prefix(back, "dif"):
        to = reverse("admin:difference", args=[back[:32]])
    return act(request, "reconciliation.run", change, to=to, again=again)


@page("difference/<str:difference_id>/", "difference", look=Right.VIEW)
def difference(request: HttpRequest, difference_id: str) -> HttpResponse:
    """Both sides, line by line, and what was done about it."""
    return _draw(request, _get(difference_id))


@page(
    "difference/<str:difference_id>/explain/",
    "difference_explain",
    look=Right.EXPORT,
    act=Right.EXPORT,
)
def explain(request: HttpRequest, difference_id: str) -> HttpResponse:
    """Say what it is; nothing moves."""
    row = _get(difference_id)
    if request.method != "POST":
        return _draw(request, row)
    note = request.POST.get("note", "")

    def change(acting: Acting) -> str:
        acting.before = {"status": row.status, "note": row.note}
        done = differences.explain(difference_id=row.pk, note=note, actor=acting.actor)
        acting.after = {"status": done.status, "note": done.note}
        return "It is written down."

    return _act(request, row, "reconciliation.explained", change)


@page(
    "difference/<str:difference_id>/correct/",
    "difference_correct",
    look=Right.EXPORT,
    act=Right.EXPORT,
)
def correct(request: HttpRequest, difference_id: str) -> HttpResponse:
    """GET shows the entry that `?against=` would make, POST proposes it to a second person."""
    row = _get(difference_id)
    asked = request.POST if request.method == "POST" else request.GET
    against = asked.get("against", "")
    if request.method != "POST":
        return _preview(request, row, against)
    name, text = request.POST.get("adjustment_id", ""), request.POST.get("text", "")

    def change(acting: Acting) -> str:
        if not has_prefix(name, "adj"):
            raise InvalidRequest("Open the form anew")
        done = differences.propose_correction(
            difference_id=row.pk,
            adjustment_id=name[:32],
            against=against,
            text=text,
            actor=acting.actor,
        )
        acting.before, acting.reason = {"status": row.status}, text
        acting.after = {"proposal": done.proposal_id, "against": against}
        return "The correction was proposed. Somebody else must approve it."

    return act(
        request,
        "reconciliation.correction_proposed",
        change,
        subject=row.pk,
        marketplace=row.marketplace_id,
        to=reverse("admin:difference", args=[row.pk]),
        again=lambda refusal: _preview(request, row, against, refusal, text),
    )


def _preview(
    request: HttpRequest,
    row: Difference,
    against: str,
    refusal: Refusal | str = "",
    text: str = "",
) -> HttpResponse:
    lines: list[adjustments.PreviewLine] = []
    try:
        lines = adjustments.preview(
            marketplace_id=row.marketplace_id,
            legs=differences.legs(row, against),
            reason=Reason.CHAIN_DIFFERENCE,
        )
    except Refusal as error:
        refusal = refusal or error
    return show(
        request,
        "desk/difference_correct.html",
        title="Correct the books",
        crumbs=[*_crumbs(), Crumb(row.pk, reverse("admin:difference", args=[row.pk]))],
        refusal=refusal,
        difference=row,
        against=against,
        meaning=AGAINST.get(against, ""),
        lines=lines,
        adjustment_id=new_id("adj"),
        text=text,
    )


def _draw(request: HttpRequest, row: Difference, refusal: Refusal | str = "") -> HttpResponse:
    lines = row.evidence.get("lines", [])
    ids = [line["entry_id"] for line in lines if "entry_id" in line]
    if row.proposal:
        entry = Entry.objects.filter(
            marketplace=row.marketplace_id, source=f"adjustment:{row.proposal.subject}"
        )
    else:
        entry = Entry.objects.none()
    numbers = dict(Entry.objects.filter(pk__in=ids).values_list("pk", "number"))
    return show(
        request,
        "desk/difference.html",
        title=row.pk,
        crumbs=_crumbs(),
        refusal=refusal,
        difference=row,
        means=MEANS[row.type],
        lines=[line | {"number": numbers.get(line.get("entry_id"))} for line in lines],
        since=row.evidence.get("since", 0),
        choices=[(each, AGAINST[each]) for each in differences.choices(row)],
        asked=row.proposal is not None and row.proposal.status == "OPEN",
        entries=[entry_line(each) for each in entry.with_lines()],
        may_act=may(request, Right.EXPORT),
        moments=timeline.of_order(row.pk),
        kinds=timeline.KINDS,
    )


def _act(request: HttpRequest, row: Difference, word: str, change: Any) -> HttpResponse:
    return act(
        request,
        word,
        change,
        subject=row.pk,
        marketplace=row.marketplace_id,
        to=reverse("admin:difference", args=[row.pk]),
        again=lambda refusal: _draw(request, _get(row.pk), refusal),
    )


def _get(difference_id: str) -> Difference:
    rows = Difference.objects.select_related("marketplace", "proposal")
    found: Difference | None = rows.filter(pk=difference_id.replace("\0", "")).first()
    if found is None:
        raise Http404
    return found


def _crumbs() -> list[Crumb]:
    return [Crumb("Books and chain", reverse("admin:reconciliation"))]

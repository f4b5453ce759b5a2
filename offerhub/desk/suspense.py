"""Deposits that are nobody's yet: the list, the page of one, and deciding about it."""

from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from ledger.models import Entry
from offerhub.core.errors import NotFound, Refusal
from offerhub.deposits.models import Deposit
from offerhub.desk import operations, timeline
from offerhub.desk.acting import Acting
from offerhub.desk.finance import export_address
from offerhub.desk.order import entry_line
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.marketplaces.roles import Right, may
from offerhub.suspense import services
from offerhub.users.models import User

PER_PAGE = 50
# Why a deposit is in suspense, in words.
REASONS = {
    "wrong_asset": "Users hold USDC alone; this is another asset",
    "wrong_issuer": "It is called USDC, and somebody else promises it",
    "native_asset": "XLM: users hold USDC alone",
    "own_wallet": "It came to the marketplace's own wallet, which is no user's",
    "unknown_muxed": "It names a part (M…) of the marketplace's own wallet that nobody knows",
    "contract_dust": "Somebody sent it into an escrow contract; it leaves with the settlement",
}


@page("suspense/", "suspense", look=Right.VIEW)
def suspense(request: HttpRequest) -> HttpResponse:
    """Oldest first, by an index over the waiting rows alone. Two statements."""
    rows = Deposit.objects.filter(status=Deposit.Status.SUSPENSE).order_by("pk")
    after = request.GET.get("after", "")[:32]
    found = list(rows.filter(pk__gt=after).prefetch_related("clearances")[: PER_PAGE + 1])
    return show(
        request,
        "desk/suspense.html",
        title="Deposits in suspense",
        export=may(request, Right.EXPORT) and export_address("deposits.suspense.v1"),
        rows=[(row, REASONS.get(row.reason, row.reason)) for row in found[:PER_PAGE]],
        newer="?" if after else "",
        older=f"?after={found[PER_PAGE - 1].pk}" if len(found) > PER_PAGE else "",
    )


@page("deposit/<str:deposit_id>/", "deposit", look=Right.VIEW)
def deposit(request: HttpRequest, deposit_id: str) -> HttpResponse:
    """One deposit, suspended or not, and what was decided about it."""
    row = _get(deposit_id)
    waits = row.status == Deposit.Status.SUSPENSE
    why_not = services.why_not(row) if waits else ""
    sources = Q(source=row.source) | Q(source__startswith=f"suspense:{row.pk}:")
    entries = Entry.objects.filter(sources, marketplace=row.marketplace_id).order_by("number")
    clearances = row.clearances.select_related("source_wallet", "user").order_by("-pk")
    return show(
        request,
        "desk/deposit.html",
        title=row.pk,
        crumbs=[_list(row)],
        deposit=row,
        why=REASONS.get(row.reason, ""),
        waits=waits,
        why_not=why_not,
        why_not_back=services.why_not_back(row) if waits else "",
        usdc=services.is_usdc(row),
        may_decide=may(request, Right.ASSIGN_DEPOSIT),
        clearances=[operations.line(each) for each in clearances],
        entries=[entry_line(entry) for entry in entries.with_lines()],
        moments=timeline.of_order(row.pk),
        kinds=timeline.KINDS,
    )


@page(
    "deposit/<str:deposit_id>/assign/",
    "deposit_assign",
    look=Right.ASSIGN_DEPOSIT,
    act=Right.ASSIGN_DEPOSIT,
)
def assign(request: HttpRequest, deposit_id: str) -> HttpResponse:
    """GET shows what giving it to `?user=` will do, POST does it."""
    row = _get(deposit_id)
    asked = request.POST if request.method == "POST" else request.GET
    wanted = asked.get("user", "").replace("\0", "").strip()[:128]
    found = _user(row, wanted) if wanted else None
    if request.method != "POST":
        return _decide(request, row, "assign", user_found=found, wanted=wanted)

    def change(acting: Acting) -> str:
        if found is None:
            raise NotFound("There is no such user in the deposit's marketplace")
        acting.before, acting.after = {"status": row.status}, {"user": found.pk}
        made = services.request_assignment(
            deposit_id=row.pk, user_id=found.pk, reason=acting.reason, actor=acting.actor
        )
        return f"The money is on its way to {found.external_id}: operation {made.pk}."

    return _act(request, row, "assign", change, user_found=found, wanted=wanted)


@page(
    "deposit/<str:deposit_id>/return/",
    "deposit_return",
    look=Right.ASSIGN_DEPOSIT,
    act=Right.ASSIGN_DEPOSIT,
)
def send_back(request: HttpRequest, deposit_id: str) -> HttpResponse:
    """GET shows what sending it back will do, POST does it."""
    row = _get(deposit_id)
    if request.method != "POST":
        return _decide(request, row, "return")
    try:
        checked = services.check_return(deposit_id=row.pk)
    except Refusal as refusal:
        return _decide(request, row, "return", refusal)

    def change(acting: Acting) -> str:
        acting.before, acting.after = {"status": row.status}, {"to": row.sender}
        made = services.request_return(checked=checked, reason=acting.reason, actor=acting.actor)
        return f"The money is on its way back: operation {made.pk}."

    return _act(request, row, "return", change)


def _act(
    request: HttpRequest, row: Deposit, word: str, change: Any, **context: Any
) -> HttpResponse:
    return act(
        request,
        f"deposit.{word}",
        change,
        subject=row.pk,
        marketplace=row.marketplace_id,
        reason=request.POST.get("reason", "").strip(),
        to=reverse("admin:deposit", args=[row.pk]),
        again=lambda refusal: _decide(request, row, word, refusal, **context),
    )


def _decide(
    request: HttpRequest, row: Deposit, word: str, refusal: Refusal | str = "", **context: Any
) -> HttpResponse:
    title = "Assign to a user" if word == "assign" else "Send back"
    return show(
        request,
        "desk/deposit_decide.html",
        title=title,
        crumbs=[_list(row), Crumb(row.pk, reverse("admin:deposit", args=[row.pk]))],
        refusal=refusal,
        deposit=row,
        word=word,
        why_not=services.why_not(row) or (services.why_not_back(row) if word == "return" else ""),
        reason=request.POST.get("reason", ""),
        **context,
    )


def _get(deposit_id: str) -> Deposit:
    rows = Deposit.objects.select_related("user", "marketplace")
    found: Deposit | None = rows.filter(pk=deposit_id).first()
    if found is None:
        raise Http404
    return found


def _user(row: Deposit, wanted: str) -> User | None:
    """By our id, or the marketplace's own."""
    users = User.objects.select_related("wallet").filter(marketplace=row.marketplace_id)
    return users.filter(Q(pk=wanted) | Q(external_id=wanted)).first()


def _list(row: Deposit) -> Crumb:
    if row.status == Deposit.Status.SUSPENSE:
        return Crumb("Deposits in suspense", reverse("admin:suspense"))
    return Crumb("Deposits", reverse("admin:deposits_deposit_changelist"))

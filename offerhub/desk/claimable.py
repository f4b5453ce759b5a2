"""Claimable balances for our wallets: the list, the page of one, claiming one, and looking now."""

from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from offerhub.chain.stellar import BASE_FEE
from offerhub.claims import services, watching
from offerhub.claims.models import ClaimableBalance
from offerhub.core.errors import NotFound, Refusal
from offerhub.core.money import format_amount
from offerhub.deposits.models import Deposit
from offerhub.desk import operations, timeline
from offerhub.desk.acting import Acting
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.marketplaces.roles import Right, may
from offerhub.users.models import Wallet

PER_PAGE = 50
State = ClaimableBalance.State
OPEN = (State.PENDING, State.CLAIMING, State.REFUSED)
# Why a balance is not claimed by itself, in words.
REASONS = {
    "wrong_asset": "Users hold USDC alone; this is another asset",
    "wrong_issuer": "It is called USDC, and somebody else promises it",
    "native_asset": "XLM: users hold USDC alone",
    "too_small": "It is less than what is claimed by itself",
    "too_late": "Its time is over: the wallet can not claim it any more",
    "unreadable": "Its conditions are of a form that is not known",
    "failed": "The claim was refused; its operation says why",
}


@page("claimable/", "claimable_balances", look=Right.VIEW)
def claimable_balances(request: HttpRequest) -> HttpResponse:
    """What is open, oldest first, by an index over these rows alone. One statement."""
    return _list(request)


def _list(request: HttpRequest, refusal: Refusal | str = "", wanted: str = "") -> HttpResponse:
    after = request.GET.get("after", "")[:32]
    rows = ClaimableBalance.objects.filter(state__in=[str(s) for s in OPEN], pk__gt=after)
    found = list(rows.select_related("wallet__user").order_by("pk")[: PER_PAGE + 1])
    return show(
        request,
        "desk/claimable_balances.html",
        title="Claimable balances",
        refusal=refusal,
        rows=[(row, REASONS.get(row.reason, "")) for row in found[:PER_PAGE]],
        newer="?" if after else "",
        older=f"?after={found[PER_PAGE - 1].pk}" if len(found) > PER_PAGE else "",
        minimum=services.minimum(),
        may_look=may(request, Right.ASSIGN_DEPOSIT),
        wanted=wanted,
    )


@page("claimable/look/", "claimable_look", look=Right.VIEW, act=Right.ASSIGN_DEPOSIT)
def look(request: HttpRequest) -> HttpResponse:
    """POST lets one wallet be looked at now."""
    if request.method != "POST":
        return _list(request)
    wanted = request.POST.get("wallet", "").replace("\0", "").strip()[:128]

    def change(acting: Acting) -> str:
        wallet = _wallet(wanted)
        acting.after = {"wallet": wallet.pk}
        watching.look_now(wallet_id=wallet.pk)
        return "The wallet is being looked at: what is new appears in the list."

    return act(
        request,
        "claimable_balance.look",
        change,
        to=reverse("admin:claimable_balances"),
        again=lambda refusal: _list(request, refusal, wanted),
    )


def _wallet(wanted: str) -> Wallet:
    """By its address or id, or its user's id."""
    named = Q(pk=wanted) | Q(address=wanted) | Q(user=wanted)
    found: Wallet | None = Wallet.objects.filter(named).first() if wanted else None
    if found is None:
        raise NotFound("There is no such wallet")
    return found


@page("claimable/<str:balance_id>/", "claimable_balance", look=Right.VIEW)
def claimable_balance(request: HttpRequest, balance_id: str) -> HttpResponse:
    """One balance: what the chain told of it, and what became of it."""
    row = _get(balance_id)
    claims = list(row.claims.select_related("source_wallet").order_by("-pk"))
    hashes = [claim.hash for claim in claims if claim.hash]
    made = Deposit.objects.filter(tx_hash__in=hashes, address=row.wallet.address).first()
    return show(
        request,
        "desk/claimable_balance.html",
        title=row.pk,
        crumbs=[_crumb()],
        balance=row,
        why=REASONS.get(row.reason, ""),
        conditions=_words(row.predicate),
        is_open=row.state in OPEN,
        why_not=services.why_not_claim(row),
        may_claim=may(request, Right.ASSIGN_DEPOSIT),
        claims=[operations.line(each) for each in claims],
        made=made,
        moments=timeline.of_order(row.pk),
        kinds=timeline.KINDS,
    )


@page(
    "claimable/<str:balance_id>/claim/",
    "claimable_claim",
    look=Right.ASSIGN_DEPOSIT,
    act=Right.ASSIGN_DEPOSIT,
)
def claim(request: HttpRequest, balance_id: str) -> HttpResponse:
    """GET shows what claiming it will do, POST does it."""
    row = _get(balance_id)
    if request.method != "POST":
        return _decide(request, row)

    def change(acting: Acting) -> str:
        acting.before, acting.after = {"state": row.state}, {"state": State.CLAIMING.value}
        made = services.request_claim(balance_id=row.pk, actor=acting.actor)
        return f"The claim is on its way: operation {made.pk}."

    return act(
        request,
        "claimable_balance.claim",
        change,
        subject=row.pk,
        marketplace=row.marketplace_id,
        to=reverse("admin:claimable_balance", args=[row.pk]),
        again=lambda refusal: _decide(request, row, refusal),
    )


def _decide(
    request: HttpRequest, row: ClaimableBalance, refusal: Refusal | str = ""
) -> HttpResponse:
    return show(
        request,
        "desk/claimable_claim.html",
        title="Claim",
        crumbs=[_crumb(), Crumb(row.pk, reverse("admin:claimable_balance", args=[row.pk]))],
        refusal=refusal,
        balance=row,
        why_not=services.why_not_claim(row),
        most=format_amount(BASE_FEE),
    )


def _words(predicate: dict[str, Any]) -> str:
    """When it may be claimed; a form that is not known as it came."""
    if "unconditional" in predicate:
        return "at any time"
    if "abs_before" in predicate:
        return f"before {predicate['abs_before'] or predicate.get('abs_before_epoch')}"
    if "abs_before" in (inner := predicate.get("not") or {}):
        return f"from {inner['abs_before'] or inner.get('abs_before_epoch')} on"
    if inner:
        return f"not {_words(inner)}"
    for word in ("and", "or"):
        if word in predicate:
            return f" {word} ".join(f"({_words(one)})" for one in predicate[word])
    return str(predicate)


def _get(balance_id: str) -> Any:
    rows = ClaimableBalance.objects.select_related("wallet__user", "marketplace")
    found = rows.filter(pk=balance_id).first()
    if found is None:
        raise Http404
    return found


def _crumb() -> Crumb:
    return Crumb("Claimable balances", reverse("admin:claimable_balances"))

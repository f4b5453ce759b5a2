"""Chain operations: what is stuck, what happened, what will happen next, and asking again."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from offerhub.chain.again import find_any, look_now
from offerhub.chain.submission import RUNNABLE, Status, Submission
from offerhub.claims.models import Claim
from offerhub.core import clock
from offerhub.core.errors import NotFound, Refusal, WrongState
from offerhub.desk import limit, work
from offerhub.desk.acting import Acting
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.marketplaces.roles import Right, may
from offerhub.operations.live import label_of, live_counts, together
from offerhub.suspense.models import Clearance
from offerhub.wallets import services as wallets
from offerhub.wallets.models import WalletOperation
from orders import again
from orders.models import EscrowOperation
from orders.reimbursements import services as reimbursements
from orders.reimbursements.models import Reimbursement
from payouts.models import BatchPayment

VIEWS = {
    "look": "Need an eye",
    "live": "On their way",
    "sign": "Wait for a signature",
    "failed": "Failed",
}
DOMAINS = {
    "orders": "Escrow",
    "payouts": "Withdrawals",
    "wallets": "Wallets",
    "suspense": "Suspense",
    "claims": "Claims",
}


@page("operations/", "operations", look=Right.VIEW)
def operations(request: HttpRequest) -> HttpResponse:
    """`?view=look|live|failed`, `?of=` a domain, `?before=` an id. Four statements,
    and two more where the escrow provider's requests are limited."""
    asked = request.GET
    view = asked.get("view") if asked.get("view") in VIEWS else "look"
    domain = asked.get("of", "") if asked.get("of") in DOMAINS else ""
    numbers = _numbers(domain)
    found = work.rows(str(view), domain, asked.get("before", "")[:32])
    shown, more = found[: work.PER_PAGE], len(found) > work.PER_PAGE
    return show(
        request,
        "desk/operations.html",
        title="Operations on the chain",
        tabs=[(key, label, numbers.get(key)) for key, label in VIEWS.items()],
        view=view,
        domain=domain,
        domains=DOMAINS,
        limit=limit.panel(),
        rows=[line(row) for row in shown],
        newer=_address(view=view, of=domain) if asked.get("before") else "",
        older=_address(view=view, of=domain, before=shown[-1].pk) if more else "",
    )


def _numbers(domain: str) -> dict[str, int]:
    counts = live_counts()
    live = together(counts, domain) if domain else together(counts)
    return {"look": max(live.unknown, live.stuck), "live": live.all, "sign": live.unsigned}


def _address(**query: Any) -> str:
    kept = {key: value for key, value in query.items() if value}
    return f"{reverse('admin:operations')}?{urlencode(kept)}"


def line(row: Submission) -> dict[str, Any]:
    """One operation as lists show it."""
    happened, following = work.story(row, clock.now() - clock.offset())
    return {
        "row": row,
        "domain": DOMAINS.get(label_of(type(row)), label_of(type(row)).capitalize()),
        "about": work.about(row),
        "problem": (row.problem or {}).get("detail") or (row.problem or {}).get("code", ""),
        "happened": happened,
        "following": following,
        "part": getattr(getattr(row, "milestone", None), "ref", ""),
    }


@page("operations/<str:operation_id>/", "operation", look=Right.VIEW, act=Right.OPERATE)
def operation(request: HttpRequest, operation_id: str) -> HttpResponse:
    """One operation. POST looks at a live one now, or asks again for one that failed."""
    if request.method == "POST":
        return _retry(request, operation_id)
    return _show(request, operation_id)


def _show(request: HttpRequest, operation_id: str, refusal: Refusal | str = "") -> HttpResponse:
    row = _get(operation_id)
    return show(
        request,
        "desk/operation.html",
        title=row.pk,
        crumbs=[Crumb("Operations", reverse("admin:operations"))],
        refusal=refusal,
        **line(row),
        envelopes=row.history,
        may_retry=may(request, Right.OPERATE),
        live=row.status in RUNNABLE,
        why_not=_why_not(row),
    )


def _get(operation_id: str) -> Submission:
    try:
        return find_any(operation_id)
    except NotFound:
        raise Http404 from None


def _why_not(row: Submission) -> str:
    """Why a failed operation can not be asked for again here; "" when it can."""
    if row.status != Status.FAILED:
        return ""
    if isinstance(row, EscrowOperation):
        try:
            again.refuse_unless_last(row)
        except WrongState as refusal:
            return refusal.detail
        return ""
    if isinstance(row, Reimbursement):
        again_by = row.milestone.reimbursements.exclude(status=Status.FAILED)
        return "Another payment followed this one." if again_by.exists() else ""
    if isinstance(row, Clearance):
        return "The deposit is in suspense again: decide on its page."
    if isinstance(row, Claim):
        return "Whether it is claimed again is decided on the page of the balance."
    if isinstance(row, WalletOperation):
        if row.wallet.status == row.wallet.Status.FAILED and row.kind != row.Kind.TOP_UP:
            return ""
        return "What the wallet needs is asked for by itself."
    if isinstance(row, BatchPayment):
        return "Whoever could be paid went into another payment; the others have their money back."
    return "The money is back with the user, who may ask for the withdrawal anew."


def _retry(request: HttpRequest, operation_id: str) -> HttpResponse:
    row = _get(operation_id)

    def change(acting: Acting) -> str:
        acting.before = {"status": row.status, "nextAttemptAt": row.next_attempt_at.isoformat()}
        if row.status in RUNNABLE:
            look_now(operation_id=row.pk)
            acting.after = {"nextAttemptAt": "now"}
            return "The operation is due now: the next sweep looks at it."
        new = _ask_again(row, acting)
        acting.after = {"operation": new.pk if new else ""}
        return f"Asked for again: operation {new.pk}." if new else "Asked for again."

    return act(
        request,
        "operation.retried",
        change,
        subject=row.pk,
        marketplace=row.marketplace_id,
        to=reverse("admin:operation", args=[operation_id]),
        again=lambda refusal: _show(request, operation_id, refusal),
    )


def _ask_again(row: Submission, acting: Acting) -> Submission | None:
    """Through the service of the operation's own domain."""
    if why_not := _why_not(row):
        raise WrongState(why_not)
    if isinstance(row, EscrowOperation):
        return again.request_again(operation_id=row.pk, actor=acting.actor)
    if isinstance(row, Reimbursement):
        return reimbursements.request_again(operation_id=row.pk, actor=acting.actor)
    if isinstance(row, WalletOperation):
        return wallets.request_again(operation_id=row.pk, actor=acting.actor)
    raise WrongState("This operation can not be asked for again")

"""What waits for a second person, and the pages to decide on withdrawals and adjustments."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from ledger import adjustments
from offerhub.approvals.models import Approval, Proposal
from offerhub.approvals.states import ProposalStatus
from offerhub.core.errors import InvalidRequest, Refusal
from offerhub.desk.acting import Acting, actor_of
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.marketplaces.models import StaffUser
from offerhub.marketplaces.roles import Right, may
from payouts import decisions, limits, uploads

PER_PAGE = 50
# Where a proposal of each kind is decided on; a dispute's on its case.
ROUTES = {
    limits.KIND: "withdrawal_approval",
    adjustments.KIND: "adjustment",
    uploads.KIND: "batch_approval",
}
# The route on which its proposer takes one back.
TAKE_BACK = {adjustments.KIND: "adjustment_take_back", uploads.KIND: "batch_take_back"}
WORDS = {
    limits.KIND: "Withdrawal",
    uploads.KIND: "Batch of withdrawals",
    adjustments.KIND: "Adjustment of the books",
    "dispute_resolution": "Resolution of a dispute",
}


@page("approvals/", "approvals", look=Right.VIEW)
def approvals(request: HttpRequest) -> HttpResponse:
    """Oldest first, those that wait. Three statements."""
    rows = Proposal.objects.filter(status=ProposalStatus.OPEN).order_by("pk")[: PER_PAGE + 1]
    found = list(rows)
    names = _names([row.proposer for row in found])
    return show(
        request,
        "desk/approvals.html",
        title="Approvals",
        rows=[
            {
                "proposal": row,
                "what": WORDS.get(row.kind, row.kind),
                "address": _address(row),
                "proposer": names.get(row.proposer, row.proposer),
                "mine": row.proposer == str(actor_of(request)),
            }
            for row in found[:PER_PAGE]
        ],
        more=len(found) > PER_PAGE,
        may_propose=may(request, Right.PROPOSE_ADJUSTMENT),
    )


@page(
    "approvals/withdrawals/<str:proposal_id>/",
    "withdrawal_approval",
    look=Right.VIEW,
    act=Right.APPROVE_WITHDRAWAL,
)
def withdrawal(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """Whose money, how much, where to; approve or reject."""
    proposal = find(proposal_id, limits.KIND)
    if request.method == "POST":
        return decide(
            request, proposal, _show_withdrawal, decisions.approve, decisions.reject, "withdrawal"
        )
    return _show_withdrawal(request, proposal)


@page(
    "approvals/adjustments/<str:proposal_id>/",
    "adjustment",
    look=Right.VIEW,
    act=Right.APPROVE_ADJUSTMENT,
)
def adjustment(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """The entry as it would be posted; approve or reject."""
    proposal = find(proposal_id, adjustments.KIND)
    if request.method == "POST":
        return decide(
            request,
            proposal,
            show_adjustment,
            adjustments.approve,
            adjustments.reject,
            "adjustment",
        )
    return show_adjustment(request, proposal)


def find(proposal_id: str, kind: str) -> Proposal:
    """The proposal of a page."""
    proposal = Proposal.objects.filter(pk=proposal_id.replace("\0", ""), kind=kind).first()
    if proposal is None:
        raise Http404
    return proposal


def decide(
    request: HttpRequest,
    proposal: Proposal,
    again: Callable[..., HttpResponse],
    approve: Callable[..., Any],
    reject: Callable[..., Any],
    word: str,
) -> HttpResponse:
    """By the button that was pressed, on exactly what the page showed."""
    verdict = request.POST.get("verdict", "")
    note = request.POST.get("note", "")[:2000]
    if verdict not in ("approve", "reject"):
        return again(request, proposal, InvalidRequest("Press one of the two buttons"))
    if verdict == "reject" and not note.strip():
        return again(request, proposal, InvalidRequest("Say why you do not approve it"))
    decide, done = {"approve": (approve, "approved"), "reject": (reject, "rejected")}[verdict]

    def change(acting: Acting) -> str:
        acting.before = {"proposal": proposal.id, "status": proposal.status}
        digest = request.POST.get("digest", "")
        decide(proposal_id=proposal.id, digest=digest, actor=acting.actor, note=note)
        acting.after = {"proposal": proposal.id, "digest": digest, "verdict": verdict}
        return f"The {word} was {done}."

    return act(
        request,
        f"{word}.{done}",
        change,
        to=reverse("admin:approvals"),
        again=lambda refusal: again(request, Proposal.objects.get(pk=proposal.pk), refusal),
        subject=proposal.subject,
        marketplace=proposal.marketplace_id,
        reason=note,
    )


def _show_withdrawal(
    request: HttpRequest, proposal: Proposal, refusal: Refusal | str = ""
) -> HttpResponse:
    return show(
        request,
        "desk/approval_withdrawal.html",
        title="Withdrawal over the limit",
        refusal=refusal,
        **deciding(request, proposal, Right.APPROVE_WITHDRAWAL),
    )


def show_adjustment(
    request: HttpRequest, proposal: Proposal, refusal: Refusal | str = ""
) -> HttpResponse:
    """What would be posted, drawn from what was agreed to."""
    open_now = proposal.status == ProposalStatus.OPEN
    lines = adjustments.preview(
        marketplace_id=proposal.marketplace_id,
        legs=adjustments.legs_of(proposal),
        reason=proposal.payload["reason"],
    )
    return show(
        request,
        "desk/approval_adjustment.html",
        title="Adjustment of the books",
        refusal=refusal,
        lines=lines if open_now else [],
        **deciding(request, proposal, Right.APPROVE_ADJUSTMENT),
    )


def deciding(request: HttpRequest, proposal: Proposal, right: Right) -> dict[str, Any]:
    """What the panel of every such page needs."""
    said = Approval.objects.filter(proposal=proposal).first()
    names = _names([proposal.proposer, *([said.approver] if said else [])])
    mine = proposal.proposer == str(actor_of(request))
    return {
        "crumbs": [Crumb("Approvals", reverse("admin:approvals"))],
        "proposal": proposal,
        "proposer": names.get(proposal.proposer, proposal.proposer),
        "said": said,
        "approver": names.get(said.approver, said.approver) if said else "",
        "is_open": proposal.status == ProposalStatus.OPEN,
        "mine": mine,
        "may_decide": may(request, right) and not mine,
        "note": request.POST.get("note", ""),
        "take_back": TAKE_BACK.get(proposal.kind, "") if mine else "",
    }


def _address(proposal: Proposal) -> str:
    if proposal.kind in ROUTES:
        return reverse(f"admin:{ROUTES[proposal.kind]}", args=[proposal.pk])
    if proposal.kind == "dispute_resolution":
        return reverse("admin:case", args=[proposal.subject])
    return reverse("admin:approvals_proposal_change", args=[proposal.pk])


def _names(actors: list[str]) -> dict[str, str]:
    """Staff by their names; keys and others stay as they are. One statement."""
    ids = {actor.partition(":")[2]: actor for actor in actors if actor.startswith("staff:")}
    rows = StaffUser.objects.filter(public_id__in=list(ids))
    return {ids[row.public_id]: row.get_full_name() or row.username for row in rows}

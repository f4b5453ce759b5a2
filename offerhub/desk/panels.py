"""The panel of a case: the form that divides the money, the proposal that waits for a second
person, the settlement that is on its way, or what was paid."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from disputes import resolution
from disputes.models import Dispute, Template
from disputes.preview import Preview
from disputes.preview import preview as run_dry
from disputes.states import DisputeStatus
from ledger.chart import account_name
from ledger.legs import Leg
from offerhub.approvals.models import Proposal
from offerhub.chain.types import ChainUnavailable
from offerhub.core.errors import InvalidRequest
from offerhub.core.money import format_amount, parse_amount
from offerhub.desk.agreement import Agreement
from offerhub.desk.case_forms import (
    ProposalForm,
    VerdictForm,
    field_of,
    read_shares,
    starting_points,
)
from offerhub.desk.names import name_of
from offerhub.marketplaces.roles import Right, may
from orders.models import EscrowOperation, Milestone
from orders.plans import Share
from orders.states import MilestoneStatus

Context = dict[str, Any]
_D = DisputeStatus
CENT = 100_000
OUTCOMES = {"refund": (0, 1), "half": (1, 2), "release": (1, 1)}


def panel(
    request: HttpRequest, dispute: Dispute, known: Agreement, sent: ProposalForm | None
) -> Context:
    """The panel of the dispute's state, with `panel` naming its template."""
    if not dispute.is_open:
        return _closed(dispute, known)
    if dispute.status == _D.SETTLING:
        return _settling(request, dispute)
    if dispute.status == _D.PROPOSED:
        return _proposed(request, dispute)
    if not _frozen(dispute):
        return _freezing(request, dispute)
    if not may(request, Right.PROPOSE_RESOLUTION):
        return {
            "panel": "desk/panel_settling.html",
            "panel_title": "Not decided yet",
            "panel_text": "Support proposes the resolution.",
        }
    return _deciding(request, dispute, sent)


# --- deciding ---------------------------------------------------------------------------------
def _deciding(request: HttpRequest, dispute: Dispute, sent: ProposalForm | None) -> Context:
    data = sent.data if sent else starting_points(dispute, *_start(request))
    form = sent or ProposalForm(dispute, initial={"version": dispute.version})
    disputed = {row.milestone_id for row in dispute.milestones.all()}
    locked = [m for m in dispute.order.milestones.all() if m.pk not in disputed]
    return {
        "panel": "desk/panel_form.html",
        "proposal_form": form,
        "split_rows": [_row(row.milestone, data) for row in dispute.milestones.all()],
        "locked_rows": [{"milestone": m, "amount": format_amount(m.amount)} for m in locked],
        "templates": _templates(dispute),
        "needs_second": resolution.why_second(dispute, name_of(request).actor),
        **_first_preview(dispute, data),
    }


def _start(request: HttpRequest) -> tuple[int, int]:
    """The quick choice in the address, for pages without scripts; half and half at first."""
    return OUTCOMES.get(request.GET.get("outcome", ""), (1, 2))


def _row(milestone: Milestone, data: Any) -> Context:
    text = str(data.get(field_of(milestone.pk), ""))
    seller = _cents_of(text, milestone.amount)
    return {
        "milestone": milestone,
        "field": field_of(milestone.pk),
        "amount": format_amount(milestone.amount),
        "cents": milestone.amount // CENT,
        "seller": text,
        "buyer": format_amount(milestone.amount - seller),
        "percent": seller * 100 // milestone.amount,
    }


def _cents_of(text: str, most: int) -> int:
    try:
        return min(parse_amount(text, places=2), most)
    except InvalidRequest:
        return 0


def _first_preview(dispute: Dispute, data: Any) -> Context:
    try:
        return preview_of(dispute, read_shares(dispute, data))
    except InvalidRequest as refusal:
        return {"preview_problem": refusal.detail}


def _templates(dispute: Dispute) -> list[Context]:
    """Texts with what is known filled in; the page fills in the two amounts."""
    rows = dispute.milestones.all()
    values = {
        "order": dispute.order.title or dispute.order.description or dispute.order_id,
        "milestones": ", ".join(row.milestone.description for row in rows),
        "amount": format_amount(dispute.amount),
        "reason": dispute.reason,
    }
    active = Template.objects.filter(is_active=True, reason__is_active=True)
    return [
        {"reason_id": one.reason_id, "title": one.title, "text": _fill(one.text, values)}
        for one in active
    ]


def _fill(text: str, values: dict[str, str]) -> str:
    """Only our own names are filled in, whatever else stands in braces."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


# --- the preview ------------------------------------------------------------------------------
def preview_of(dispute: Dispute, shares: Sequence[Share]) -> Context:
    """The lines that will be posted, and what each party will receive."""
    try:
        found = run_dry(dispute, shares)
    except ChainUnavailable as error:
        return {"preview_problem": f"The contract's balance could not be read: {error}"}
    seller, buyer = found.seller, found.buyer
    debits = sum(leg.amount for leg in found.legs if leg.amount > 0)
    credits = -sum(leg.amount for leg in found.legs if leg.amount < 0)
    return {
        "preview": {
            "seller": format_amount(seller),
            "buyer": format_amount(buyer),
            "fees": format_amount(found.platform + found.protocol),
            "legs": [_leg(leg, dispute) for leg in found.legs],
            "debits": format_amount(debits),
            "credits": format_amount(credits),
            "balanced": debits == credits,
            "seller_words": _net(sum(s.to_seller for s in shares), seller),
            "buyer_words": _net(_to_buyer(shares, found), buyer),
        }
    }


def _to_buyer(shares: Sequence[Share], found: Preview) -> int:
    own = sum(part.paid.gross - part.milestone.amount for part in found.parts)
    to_buyer = sum(share.to_buyer for share in shares)
    return to_buyer + (own if to_buyer else 0)


def _net(gross: int, net: int) -> str:
    return f"{format_amount(gross)} before fees, {format_amount(net)} after"


def _leg(leg: Leg, dispute: Dispute) -> Context:
    full = account_name(leg.kind, leg.owner)
    owners = {
        dispute.order.buyer_id: "buyer",
        dispute.order.seller_id: "seller",
        dispute.order.escrow.buyer_address: "buyer",
        dispute.order.escrow.seller_address: "seller",
        dispute.order_id: "order",
        dispute.order.escrow.contract_id: "escrow contract",
        dispute.order.escrow.platform_address: "marketplace",
    }
    whose = owners.get(leg.owner, "")
    return {
        "full": full,
        "name": f"{leg.kind}:{whose}" if whose else full,
        "debit": format_amount(leg.amount) if leg.amount > 0 else "",
        "credit": format_amount(-leg.amount) if leg.amount < 0 else "",
    }


# --- waiting for a second person --------------------------------------------------------------
def _proposed(request: HttpRequest, dispute: Dispute) -> Context:
    proposal = Proposal.objects.get(pk=dispute.proposal_id)
    shares = resolution.shares_of(proposal)
    mine = proposal.proposer == name_of(request).actor_text
    initial = {"version": dispute.version, "digest": proposal.digest}
    return {
        "panel": "desk/panel_proposed.html",
        "proposal": proposal,
        "proposer": name_of(request).of(proposal.proposer),
        "proposal_words": str(proposal.payload["decision"]).lower(),
        "proposal_shares": _shares(dispute, shares),
        "mine_proposed": mine,
        "may_approve": not mine and may(request, Right.APPROVE_RESOLUTION),
        "verdict_form": VerdictForm(initial=initial),
        **preview_of(dispute, shares),
    }


def _shares(dispute: Dispute, shares: Sequence[Share]) -> list[Context]:
    refs = {row.milestone_id: row.milestone.ref for row in dispute.milestones.all()}
    return [
        {
            "ref": refs[share.milestone_id],
            "seller": format_amount(share.to_seller),
            "buyer": format_amount(share.to_buyer),
        }
        for share in shares
    ]


# --- on the chain -----------------------------------------------------------------------------
def _frozen(dispute: Dispute) -> bool:
    rows = dispute.milestones.all()
    return all(row.milestone.status == MilestoneStatus.DISPUTED for row in rows)


def _freezing(request: HttpRequest, dispute: Dispute) -> Context:
    failed = dispute.problem is not None
    return {
        "panel": "desk/panel_settling.html",
        "panel_title": "The freeze failed" if failed else "Freezing the money",
        "panel_text": "The money must be frozen on the chain before anybody can decide over it.",
        "operations": _operations(dispute),
        "pending": not failed,
        "may_retry": _may_retry(request),
    }


def _settling(request: HttpRequest, dispute: Dispute) -> Context:
    failed = dispute.problem is not None
    return {
        "panel": "desk/panel_settling.html",
        "panel_title": "The settlement failed" if failed else "Settling",
        "panel_text": "It is decided. The contract is being told; this page follows by itself.",
        "operations": _operations(dispute),
        "pending": not failed,
        "may_retry": _may_retry(request),
        "may_reopen": not dispute.conceded,
    }


def _may_retry(request: HttpRequest) -> bool:
    return may(request, Right.PROPOSE_RESOLUTION)


def _operations(dispute: Dispute) -> list[EscrowOperation]:
    """The calls to the contract that this dispute asked for."""
    rows = EscrowOperation.objects.filter(order=dispute.order_id, args__dispute=dispute.pk)
    return list(rows.select_related("milestone").order_by("id"))


# --- the end ----------------------------------------------------------------------------------
def _closed(dispute: Dispute, known: Agreement) -> Context:
    entries = {row.milestone.pk: row.ledger_entry for row in known.rows}
    return {
        "panel": "desk/panel_closed.html",
        "panel_title": "Withdrawn" if dispute.status == _D.WITHDRAWN else "Resolved",
        "settled_shares": [
            _paid(row.milestone, entries.get(row.milestone_id)) for row in dispute.milestones.all()
        ],
        "operations": _operations(dispute),
    }


def _paid(milestone: Milestone, entry: Any) -> Context:
    fees = milestone.fee_platform + milestone.fee_protocol
    return {
        "ref": milestone.ref,
        "seller": format_amount(milestone.paid_seller),
        "buyer": format_amount(milestone.paid_buyer),
        "fees": format_amount(fees) if fees else "",
        "entry": entry,
    }

"""Deciding a dispute: proposal, approval where it needs one, settlement by the order, and its end.

Every resolution is a proposal (`offerhub.approvals`). At or under the threshold it is approved on
the spot; over it, a second person must, and nobody approves what they proposed.
"""

from collections.abc import Sequence
from dataclasses import asdict

from django.conf import settings

from disputes.calls import refuse_unless_frozen, refuse_while_live
from disputes.models import Dispute, DisputedMilestone, Reason
from disputes.services import (
    begin_review,
    desk_spoke,
    find_reason,
    lock_dispute,
    record,
    refuse_stale,
    refuse_unless_in_hand,
    resume,
)
from disputes.states import Decision, DisputeStatus, Party
from offerhub.approvals import services as approvals
from offerhub.approvals.models import Proposal
from offerhub.approvals.rule import Rule
from offerhub.approvals.states import ProposalStatus
from offerhub.core import clock
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import FieldError, InvalidRequest, WrongState
from offerhub.core.money import format_amount, parse_amount
from orders import escrow_services
from orders.plans import Share
from orders.settlement import kind_of
from orders.states import MilestoneStatus

_D = DisputeStatus
KIND = "dispute_resolution"


def rule() -> Rule:
    """When a second person must approve; amounts are the gross that moves."""
    return Rule(
        threshold=_setting("DISPUTE_APPROVAL_THRESHOLD"),
        order_sum=_setting("DISPUTE_APPROVAL_ORDER_SUM"),
        proposer_day=_setting("DISPUTE_APPROVAL_DAY_SUM"),
        hours=settings.APPROVAL_HOURS,
    )


def _setting(name: str) -> int | None:
    text = str(getattr(settings, name))
    if not text:
        return None
    return 0 if text == "0" else parse_amount(text, field=name)


def why_second(dispute: Dispute, actor: Actor) -> str:
    """Why a second person would have to agree to this person's proposal now; empty when nobody."""
    return approvals.why_second(
        rule=rule(),
        marketplace_id=dispute.marketplace_id,
        group=dispute.order_id,
        amount=dispute.amount,
        actor=actor,
    )


# --- deciding ---------------------------------------------------------------------------------
@in_transaction
def propose(
    *,
    dispute_id: str,
    marketplace_id: str | None,
    shares: Sequence[Share],
    text: str,
    actor: Actor,
    reason_code: str = "",
    note: str = "",
    expected_version: int | None = None,
) -> Proposal:
    """Propose how every disputed milestone is divided; settled at once when nobody else must agree.

    `text` is shown to both parties, `note` to staff alone. Raises CaseChanged, WrongState while the
    freeze is not confirmed, InvalidRequest when the shares are not the milestones' amounts.
    """
    dispute = lock_dispute(marketplace_id, dispute_id)
    refuse_stale(dispute, expected_version)
    refuse_unless_in_hand(dispute)
    refuse_unless_frozen(dispute)
    _check(dispute, shares)
    reason = find_reason(reason_code, Reason.Use.DECISION) if reason_code else None
    begin_review(dispute, actor)
    if dispute.status == _D.WAITING_PARTY:
        resume(dispute)
        dispute.save()
    dispute.propose()
    dispute.decision, dispute.decision_reason, dispute.decision_text = (
        decision_of(shares),
        reason,
        text,
    )
    record(dispute, "dispute.proposed", actor, {"decision": dispute.decision})
    proposal = approvals.propose(
        marketplace_id=dispute.marketplace_id,
        kind=KIND,
        subject=dispute.id,
        subject_version=dispute.version,
        group=dispute.order_id,
        payload={
            "shares": [asdict(share) for share in shares],
            "decision": dispute.decision,
            "reason": reason_code,
            "text": text,
        },
        amount=dispute.amount,
        actor=actor,
        reason_code=reason_code,
        note=note,
        rule=rule(),
    )
    dispute.proposal_id = proposal.id
    dispute.save(update_fields=["proposal_id"])
    if proposal.status == ProposalStatus.APPROVED:
        proposal = _execute(dispute, proposal.id, actor)
    return proposal


@in_transaction
def approve(
    *,
    proposal_id: str,
    digest: str,
    actor: Actor,
    note: str = "",
    expected_version: int | None = None,
) -> Dispute:
    """A second person agrees, to exactly what they saw (`digest`): the settlement begins.

    Raises what `approvals.approve` raises; nothing has happened then.
    """
    dispute = _lock_proposed(proposal_id)
    refuse_stale(dispute, expected_version)
    approvals.approve(
        proposal_id=proposal_id,
        digest=digest,
        subject_version=dispute.version,
        actor=actor,
        note=note,
    )
    _execute(dispute, proposal_id, actor)
    return dispute


@in_transaction
def reject(
    *,
    proposal_id: str,
    digest: str,
    actor: Actor,
    note: str = "",
    expected_version: int | None = None,
) -> Dispute:
    """A second person does not agree: back under review. Whatever moved since does not matter."""
    dispute = _lock_proposed(proposal_id)
    refuse_stale(dispute, expected_version)
    approvals.reject(
        proposal_id=proposal_id,
        digest=digest,
        subject_version=approvals.get(proposal_id, kind=KIND).subject_version,
        actor=actor,
        note=note,
    )
    return back(dispute, "dispute.proposal_rejected", actor)


@in_transaction
def take_back(*, proposal_id: str, actor: Actor) -> Dispute:
    """Who proposed it takes it back: under review again."""
    dispute = _lock_proposed(proposal_id)
    approvals.withdraw(proposal_id=proposal_id, actor=actor)
    return back(dispute, "dispute.proposal_withdrawn", actor)


def _lock_proposed(proposal_id: str) -> Dispute:
    proposal = approvals.get(proposal_id, kind=KIND)
    dispute = lock_dispute(proposal.marketplace_id, proposal.subject)
    if dispute.status != _D.PROPOSED or dispute.proposal_id != proposal_id:
        raise WrongState(f"The dispute is {dispute.status}", currentStatus=dispute.status)
    return dispute


def back(dispute: Dispute, event: str, actor: Actor) -> Dispute:
    dispute.review_again()
    dispute.decision, dispute.decision_reason, dispute.decision_text = "", None, ""
    return record(dispute, event, actor, {"proposalId": dispute.proposal_id})


@in_transaction
def withdraw(*, marketplace_id: str, dispute_id: str, party: Party, actor: Actor) -> Dispute:
    """Who opened it gives it up. The freeze can not be undone on the chain, so the disputed money
    goes to the other party; without a freeze the milestones just go on."""
    dispute = lock_dispute(marketplace_id, dispute_id)
    refuse_unless_in_hand(dispute)
    if party != dispute.opened_by:
        raise WrongState(f"Only the {dispute.opened_by.lower()}, who opened it, can withdraw it")
    rows = list(dispute.milestones.select_related("milestone"))
    if not any(row.milestone.status == MilestoneStatus.DISPUTED for row in rows):
        refuse_while_live(dispute)
        if dispute.status == _D.WAITING_PARTY:
            resume(dispute)
            dispute.save()
        dispute.withdrawn()
        return close(dispute, "dispute.withdrawn", actor)
    refuse_unless_frozen(dispute)
    begin_review(dispute, actor)
    if dispute.status == _D.WAITING_PARTY:
        resume(dispute)
        dispute.save()
    dispute.propose()
    to_seller = party == Party.BUYER
    shares = [whole(row.milestone_id, row.milestone.amount, to_seller=to_seller) for row in rows]
    dispute.conceded, dispute.decision = True, decision_of(shares)
    record(dispute, "dispute.withdrawal_requested", actor, {"by": party})
    return _settle(dispute, shares, actor)


def _execute(dispute: Dispute, proposal_id: str, actor: Actor) -> Proposal:
    proposal = approvals.lock_approved(proposal_id=proposal_id, kind=KIND)
    _settle(dispute, shares_of(proposal), actor)
    return proposal


def _settle(dispute: Dispute, shares: Sequence[Share], actor: Actor) -> Dispute:
    """Decided: the order divides the money; the dispute follows what becomes of it."""
    dispute.settle()
    desk_spoke(dispute)
    rows = {row.milestone_id: row for row in dispute.milestones.all()}
    for share in shares:
        row = rows[share.milestone_id]
        row.to_seller, row.to_buyer = share.to_seller, share.to_buyer
    DisputedMilestone.objects.bulk_update(rows.values(), ["to_seller", "to_buyer"])
    request(dispute, shares, actor)
    totals = {
        "decision": dispute.decision,
        "seller": format_amount(sum(share.to_seller for share in shares)),
        "buyer": format_amount(sum(share.to_buyer for share in shares)),
    }
    return record(dispute, "dispute.decided", actor, totals)


def request(
    dispute: Dispute, shares: Sequence[Share], actor: Actor, *, sweep: bool = False
) -> None:
    escrow_services.request_settlement(
        order=dispute.order, shares=shares, dispute_id=dispute.id, sweep=sweep, actor=actor
    )


def close(dispute: Dispute, event: str, actor: Actor) -> Dispute:
    dispute.milestones.update(is_open=False)
    dispute.closed_at, dispute.problem = clock.now(), None
    return record(dispute, event, actor, {"decision": dispute.decision or None})


# --- parts ------------------------------------------------------------------------------------
def decision_of(shares: Sequence[Share]) -> Decision:
    """What a division of the whole is called."""
    seller = sum(share.to_seller for share in shares)
    buyer = sum(share.to_buyer for share in shares)
    return Decision(kind_of(seller, buyer).upper())


def whole(milestone_id: str, amount: int, *, to_seller: bool) -> Share:
    """All of it to one."""
    return Share(milestone_id, amount if to_seller else 0, 0 if to_seller else amount)


def shares_of(proposal: Proposal) -> list[Share]:
    """What a proposal says."""
    return [Share(**share) for share in proposal.payload["shares"]]


def _check(dispute: Dispute, shares: Sequence[Share]) -> None:
    amounts = {row.milestone_id: row.milestone.amount for row in dispute.milestones.all()}
    if sorted(share.milestone_id for share in shares) != sorted(amounts):
        raise _refuse("must divide each disputed milestone once")
    for share in shares:
        parts, amount = (share.to_seller, share.to_buyer), amounts[share.milestone_id]
        if min(parts) < 0 or sum(parts) != amount:
            raise _refuse(
                f"must add up to {format_amount(amount)}, and do to {format_amount(sum(parts))}"
            )
        if share.to_seller % CENT:
            raise _refuse("takes whole cents")


CENT = 100_000


def _refuse(message: str) -> InvalidRequest:
    return InvalidRequest(errors=[FieldError("split", "does_not_add_up", message)])

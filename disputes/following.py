"""What became of the calls that a dispute asked for: frozen or not, settled or not; and what the
desk does when one failed."""

from collections.abc import Sequence

from disputes.calls import (
    is_live,
    last_problem,
    operations,
    refuse_unless_frozen,
    refuse_while_live,
)
from disputes.models import Dispute, DisputedMilestone
from disputes.resolution import KIND, back, close, request
from disputes.services import lock_dispute, party_of, record, refuse_stale
from disputes.states import DisputeStatus, Party
from offerhub.approvals import services as approvals
from offerhub.approvals.states import ProposalStatus
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import WrongState
from orders import escrow_services
from orders.models import EscrowOperation
from orders.plans import BALANCE_MOVED, Share
from orders.states import SETTLED_MILESTONE, MilestoneStatus

_D = DisputeStatus
MOST_TRIES = 5  # of a settlement that the contract's balance ran away from


@in_transaction
def follow(*, dispute_id: str, actor: Actor) -> None:
    """Take note of the calls that ended: frozen or not, settled or not. Does each once."""
    dispute = lock_dispute(None, dispute_id)
    if dispute.status == _D.PROPOSED:
        _follow_proposal(dispute, actor)
    if not dispute.is_open:
        return
    rows = list(dispute.milestones.select_related("milestone"))
    if dispute.status == _D.SETTLING:
        if all(row.milestone.status in SETTLED_MILESTONE for row in rows):
            _end(dispute, actor)
        elif not is_live(dispute):
            _settlement_failed(dispute, rows, actor)
        return
    frozen = all(row.milestone.status == MilestoneStatus.DISPUTED for row in rows)
    if frozen and dispute.problem is not None:
        dispute.problem = None
        record(dispute, "dispute.frozen", actor)
    elif not frozen and dispute.problem is None and not is_live(dispute):
        dispute.problem = last_problem(dispute, EscrowOperation.Kind.DISPUTE)
        record(dispute, "dispute.freeze_failed", actor, dispute.problem)


def _follow_proposal(dispute: Dispute, actor: Actor) -> None:
    proposal = approvals.get(dispute.proposal_id, kind=KIND)
    if proposal.status == ProposalStatus.EXPIRED:
        back(dispute, "dispute.proposal_expired", actor)


def _end(dispute: Dispute, actor: Actor) -> None:
    if dispute.conceded:
        dispute.withdrawn()
    else:
        dispute.resolved()
    close(dispute, f"dispute.{dispute.status.lower()}", actor)


def _settlement_failed(dispute: Dispute, rows: Sequence[DisputedMilestone], actor: Actor) -> None:
    """Proven not to have happened. Where only the contract's balance had moved, try again."""
    if dispute.problem is not None:
        return
    problem = last_problem(dispute, EscrowOperation.Kind.RESOLVE)
    tries = operations(dispute, EscrowOperation.Kind.RESOLVE).count()
    if problem["code"] == BALANCE_MOVED and tries < MOST_TRIES:
        request(dispute, _undone(rows), actor, sweep=True)
        record(dispute, "dispute.settlement_retried", actor, problem)
        return
    dispute.problem = problem
    record(dispute, "dispute.settlement_failed", actor, problem)


@in_transaction
def retry(*, dispute_id: str, actor: Actor, expected_version: int | None = None) -> Dispute:
    """Ask the contract again: for the freeze or the settlement that failed."""
    dispute = lock_dispute(None, dispute_id)
    refuse_stale(dispute, expected_version)
    if dispute.problem is None or not dispute.is_open:
        raise WrongState("Nothing of this dispute has failed")
    refuse_while_live(dispute)
    dispute.problem = None
    rows = list(dispute.milestones.select_related("milestone"))
    if dispute.status == _D.SETTLING:
        request(dispute, _undone(rows), actor)
    else:
        left = [r.milestone for r in rows if r.milestone.status != MilestoneStatus.DISPUTED]
        escrow_services.request_freeze(
            order=dispute.order,
            milestones=left,
            dispute_id=dispute.id,
            by=party_of(Party(dispute.opened_by)),
            actor=actor,
        )
    return record(dispute, "dispute.retried", actor)


@in_transaction
def review_again(*, dispute_id: str, actor: Actor, expected_version: int | None = None) -> Dispute:
    """After a settlement that failed before anything was paid: decide anew."""
    dispute = lock_dispute(None, dispute_id)
    refuse_stale(dispute, expected_version)
    if dispute.status != _D.SETTLING or dispute.problem is None or dispute.conceded:
        raise WrongState("Only a settlement that failed can be decided anew")
    refuse_while_live(dispute)
    refuse_unless_frozen(dispute)
    dispute.problem = None
    dispute.milestones.update(to_seller=0, to_buyer=0)
    return back(dispute, "dispute.reopened", actor)


def _undone(rows: Sequence[DisputedMilestone]) -> list[Share]:
    return [
        Share(row.milestone_id, row.to_seller, row.to_buyer)
        for row in rows
        if row.milestone.status == MilestoneStatus.DISPUTED
    ]

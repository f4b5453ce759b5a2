"""What people decide on withdrawals over the limit. Until then no payment exists.

Every function locks the withdrawal first and its proposal after it.
"""

from offerhub.approvals import services as approvals
from offerhub.approvals.models import Proposal
from offerhub.approvals.states import ProposalStatus
from offerhub.core import jobs
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import WrongState
from offerhub.users.models import Wallet
from payouts import members
from payouts.limits import KIND
from payouts.models import Withdrawal
from payouts.services import begin, give_back, lock_waiting, save
from payouts.states import WithdrawalStatus

REJECTED = "approval_rejected"
EXPIRED = "approval_expired"


@in_transaction
def approve(*, proposal_id: str, digest: str, actor: Actor, note: str = "") -> Withdrawal:
    """A person agrees to exactly what they saw: the payment may begin.

    Raises what `approvals.approve` raises, and WrongState when the withdrawal does not wait.
    """
    withdrawal, proposal = _lock(proposal_id)
    approvals.approve(
        proposal_id=proposal.id,
        digest=digest,
        subject_version=withdrawal.version,
        actor=actor,
        note=note,
    )
    approvals.lock_approved(proposal_id=proposal.id, kind=KIND)
    facts = {"proposalId": proposal.id}
    if withdrawal.batch_id:
        members.ready(withdrawal)
    else:
        wallet = Wallet.objects.get(user_id=withdrawal.user_id)
        facts["operationId"] = begin(withdrawal, wallet, actor).id
    save(withdrawal, "withdrawal.approved", actor, facts)
    return withdrawal


@in_transaction
def reject(*, proposal_id: str, digest: str, actor: Actor, note: str = "") -> Withdrawal:
    """A person does not agree: FAILED, and the money is available again."""
    withdrawal, proposal = _lock(proposal_id)
    approvals.reject(
        proposal_id=proposal.id,
        digest=digest,
        subject_version=withdrawal.version,
        actor=actor,
        note=note,
    )
    return _end(withdrawal, REJECTED, "A person of the desk did not approve it", actor)


@in_transaction
def follow(*, withdrawal_id: str, actor: Actor) -> None:
    """The time to approve it is over: FAILED, and the money is available again."""
    withdrawal = lock_waiting(withdrawal_id)
    if withdrawal is None or withdrawal.proposal is None:
        return
    if withdrawal.proposal.status == ProposalStatus.EXPIRED:
        _end(withdrawal, EXPIRED, "Nobody approved it in time", actor)


def _lock(proposal_id: str) -> tuple[Withdrawal, Proposal]:
    proposal = approvals.get(proposal_id, kind=KIND)
    withdrawal = lock_waiting(proposal.subject)
    if withdrawal is None:
        now = Withdrawal.objects.values_list("status", flat=True).get(pk=proposal.subject)
        raise WrongState(f"The withdrawal is {now} and waits for nobody", currentStatus=now)
    return withdrawal, proposal


def _end(withdrawal: Withdrawal, code: str, detail: str, actor: Actor) -> Withdrawal:
    withdrawal.fail()
    withdrawal.problem = {"code": code, "detail": detail}
    give_back(withdrawal, actor)
    save(withdrawal, "withdrawal.failed", actor, dict(withdrawal.problem))
    members.end(withdrawal)
    return withdrawal


def expired() -> list[jobs.Ring]:
    """Withdrawals whose proposal has ended without a verdict, as rings."""
    rows = Withdrawal.objects.filter(
        status=WithdrawalStatus.REQUESTED, proposal__status=ProposalStatus.EXPIRED
    )
    return [("payouts.approval_ended", pk) for pk in rows.values_list("pk", flat=True)[:500]]

"""Jobs and sweeps of withdrawals."""

from offerhub.chain import submission
from offerhub.chain.runner import advance
from offerhub.core import jobs
from offerhub.core.actor import system
from payouts import decisions
from payouts.models import WithdrawalAttempt
from payouts.payment import DRIVER

ATTEMPT = "payouts.attempt"


@jobs.job(ATTEMPT)
def attempt(attempt_id: str) -> None:
    """Bring one payment as far as it goes now."""
    advance(WithdrawalAttempt, attempt_id, DRIVER)


@jobs.sweep("payouts.due", every=5.0)
def due() -> list[jobs.Ring]:
    """Payments whose bell was lost, whose runner died, or whose next look is due."""
    return [(ATTEMPT, row_id) for row_id in submission.due(WithdrawalAttempt)]


@jobs.job("payouts.approval_ended")
def approval_ended(withdrawal_id: str) -> None:
    """Nobody approved it in time: the money is available again."""
    decisions.follow(withdrawal_id=withdrawal_id, actor=system("payouts"))


@jobs.sweep("payouts.approvals", every=10.0)
def approvals_ended() -> list[jobs.Ring]:
    """Withdrawals that waited for approval in vain."""
    return decisions.expired()

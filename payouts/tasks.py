"""Jobs and sweeps of withdrawals."""

from offerhub.chain import tables
from offerhub.chain.runner import advance
from offerhub.core import jobs
from offerhub.core.actor import system
from payouts import batch_payment, batches, decisions, packing
from payouts.members import FOLLOW, PACK
from payouts.models import BatchPayment, WithdrawalAttempt
from payouts.packing import PAY
from payouts.payment import DRIVER

ATTEMPT = "payouts.attempt"


@jobs.job(ATTEMPT)
def attempt(attempt_id: str) -> None:
    """Bring one payment as far as it goes now."""
    advance(WithdrawalAttempt, attempt_id, DRIVER)


@jobs.sweep("payouts.due", every=5.0)
def due() -> list[jobs.Ring]:
    """Payments whose bell was lost, whose runner died, or whose next look is due."""
    singles = [(ATTEMPT, row_id) for row_id in tables.due(WithdrawalAttempt)]
    return singles + [(PAY, row_id) for row_id in tables.due(BatchPayment)]


@jobs.job(FOLLOW)
def batch(batch_id: str) -> None:
    """Check what of a batch is unchecked, and carry it on when all of its items are. A request
    that waits for it looks again while it is being paid."""
    pause = batches.check_items(batch_id)
    pause = batches.follow(batch_id=batch_id) or pause
    if pause:
        raise jobs.Later(pause)


@jobs.sweep("payouts.batches", every=5.0)
def batches_due() -> list[jobs.Ring]:
    """Batches that want a look."""
    return batches.due()


@jobs.job(PACK)
def pack(marketplace_id: str) -> None:
    """Put waiting withdrawals into a payment; while every channel is busy they wait on."""
    packing.pack(marketplace_id=marketplace_id)


@jobs.sweep("payouts.packing", every=1.0)
def packing_due() -> list[jobs.Ring]:
    """Marketplaces whose withdrawals wait for a payment that could be made."""
    return [(PACK, pk) for pk in packing.marketplaces_in_need()]


@jobs.job(PAY)
def batch_payment_step(payment_id: str) -> None:
    """Bring one payment of many withdrawals as far as it goes now."""
    advance(BatchPayment, payment_id, batch_payment.DRIVER)


@jobs.job("payouts.approval_ended")
def approval_ended(withdrawal_id: str) -> None:
    """Nobody approved it in time: the money is available again."""
    decisions.follow(withdrawal_id=withdrawal_id, actor=system("payouts"))


@jobs.sweep("payouts.approvals", every=10.0)
def approvals_ended() -> list[jobs.Ring]:
    """Withdrawals that waited for approval in vain."""
    return decisions.expired()

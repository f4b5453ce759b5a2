"""Withdrawals: what the chain answered. Each is one transaction; done already, it does nothing.

The confirmation books what the chain paid; only a proof that nothing was paid gives money back.
"""

import structlog

from ledger import movements
from offerhub.chain.ending import finish
from offerhub.chain.submission import MAX_ENVELOPES, MAX_PAUSE, Status
from offerhub.chain.types import ChainFact
from offerhub.core.actor import Actor, system
from offerhub.core.db import in_transaction
from payouts.models import WithdrawalAttempt
from payouts.services import ASSET, give_back, lock_attempt, save

log = structlog.get_logger(__name__)

LONGEST_PAUSE = 3600.0  # seconds between two envelopes of a withdrawal that waits for the operator


class PaidAnotherAmount(RuntimeError):
    """The ledger shows another payment under this withdrawal's hash than the one asked for."""


@in_transaction
def confirm(attempt_id: str, fact: ChainFact) -> None:
    """The payment is in a ledger: pending money has left the wallet."""
    attempt = lock_attempt(pk=attempt_id)
    if not attempt.is_live:
        return
    withdrawal = attempt.withdrawal
    withdrawal.complete()
    withdrawal.hash, withdrawal.fee = fact.hash, withdrawal.fee + fact.fee_charged
    movements.withdrawal_confirmed(
        marketplace_id=withdrawal.marketplace_id,
        user_id=withdrawal.user_id,
        withdrawal_id=withdrawal.id,
        address=attempt.source_wallet.address,
        amount=_paid(attempt, fact),
        asset=ASSET,
        fact=fact,
        operation_id=attempt.id,
        fee_address=fact.fee_account,
        actor=_runner(attempt),
    )
    finish(attempt, Status.CONFIRMED, fact)
    facts = {"operationId": attempt.id, "hash": fact.hash, "ledger": fact.ledger}
    save(withdrawal, "withdrawal.completed", _runner(attempt), facts)


def _paid(attempt: WithdrawalAttempt, fact: ChainFact) -> int:
    """Stroops that left the wallet, as the chain tells it. Anything but what was asked is a defect
    that must not be booked: the money stays pending, and the log says why."""
    paid = sum(
        transfer.amount
        for transfer in fact.transfers
        if transfer.sender == attempt.source_wallet.address and transfer.asset_code == ASSET
    )
    if paid != attempt.withdrawal.amount:
        log.error("withdrawal_paid_another_amount", withdrawal=attempt.withdrawal_id, paid=paid)
        raise PaidAnotherAmount(f"{attempt.withdrawal_id}: {paid}")
    return paid


@in_transaction
def fail(attempt_id: str, code: str, detail: str, fact: ChainFact | None) -> None:
    """Proven not to have happened: the money is available again, the withdrawal says why."""
    attempt = lock_attempt(pk=attempt_id)
    if not attempt.is_live:
        return
    withdrawal = attempt.withdrawal
    problem = {"code": code, "detail": detail[:500]}
    withdrawal.fail()
    withdrawal.problem = attempt.problem = problem
    if fact is not None:
        _book_fee(attempt, fact)
    give_back(withdrawal, _runner(attempt))
    finish(attempt, Status.FAILED, fact)
    facts = {"operationId": attempt.id, "hash": withdrawal.hash or None, **problem}
    save(withdrawal, "withdrawal.failed", _runner(attempt), facts)


@in_transaction
def postpone(row: WithdrawalAttempt, code: str, detail: str, fact: ChainFact | None) -> None:
    """An envelope ended for a reason on our side (no fee money, a key): the withdrawal stays, and
    another envelope follows when the operator has mended it.

    `row` is the runner's own, with its lease; when that was lost, whoever has it sees the same.
    """
    attempt = lock_attempt(pk=row.id)
    if attempt.lease != row.lease or attempt.hash != row.hash:
        return
    if fact is not None:
        _book_fee(attempt, fact)
        attempt.withdrawal.save(update_fields=["fee", "hash", "updated_at"])
    beyond = max(row.attempts - MAX_ENVELOPES, 0)
    row.begin_anew(code, detail, fact, min(MAX_PAUSE * 2**beyond, LONGEST_PAUSE))


def _book_fee(attempt: WithdrawalAttempt, fact: ChainFact) -> None:
    """What the network charged for a transaction that failed in a ledger."""
    withdrawal = attempt.withdrawal
    withdrawal.hash, withdrawal.fee = fact.hash, withdrawal.fee + fact.fee_charged
    movements.network_fee(
        marketplace_id=attempt.marketplace_id,
        operation_id=attempt.id,
        fee_address=fact.fee_account,
        fact=fact,
        actor=_runner(attempt),
    )


def _runner(attempt: WithdrawalAttempt) -> Actor:
    return system("payouts", attempt.request_id)

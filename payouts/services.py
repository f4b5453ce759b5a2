"""Withdrawals: request, cancel, confirm and fail.

The request sets the money aside (available → pending) and rings for the runner in `payment`; the
confirmation books what the chain paid, and only a proof that nothing was paid gives money back.
"""

from typing import Any

import structlog
from django.db import IntegrityError
from django.db.models import F, QuerySet

from ledger import movements
from offerhub.chain.submission import MAX_ENVELOPES, MAX_PAUSE, Status, finish
from offerhub.chain.types import ChainFact
from offerhub.core import jobs
from offerhub.core.actor import Actor, system
from offerhub.core.db import in_transaction
from offerhub.core.errors import (
    DuplicateReference,
    FieldError,
    InsufficientFunds,
    NotFound,
    WrongState,
)
from offerhub.core.money import format_amount
from offerhub.events import services as events
from offerhub.users.models import Wallet
from payouts.destinations import Checked
from payouts.models import Withdrawal, WithdrawalAttempt
from payouts.states import WithdrawalStatus

log = structlog.get_logger(__name__)

ASSET = "USDC"
CANCELLED = "cancelled"  # the problem of an attempt that was called back
LONGEST_PAUSE = 3600.0  # seconds between two envelopes of a withdrawal that waits for the operator


@in_transaction
def request_withdrawal(
    *, checked: Checked, external_ref: str | None = None, actor: Actor
) -> Withdrawal:
    """A withdrawal to a destination that was checked before this transaction began.

    Raises InsufficientFunds and DuplicateReference.
    """
    user, amount = checked.user, checked.amount
    withdrawal = Withdrawal(
        marketplace_id=user.marketplace_id,
        external_ref=external_ref,
        user=user,
        amount=amount,
        destination=checked.destination,
        memo_type=checked.memo.type,
        memo=checked.memo.value,
        version=1,
    )
    _insert(withdrawal)
    _hold(withdrawal, actor)
    attempt = WithdrawalAttempt.objects.create(
        marketplace_id=user.marketplace_id,
        withdrawal=withdrawal,
        source_wallet=checked.wallet,
        kind=WithdrawalAttempt.KIND,
        request_id=actor.request_id,
    )
    withdrawal.version = 0
    events.record(
        withdrawal,
        "withdrawal.requested",
        actor=actor,
        payload={
            "userId": user.id,
            "amount": format_amount(amount),
            "destination": checked.destination,
            "operationId": attempt.id,
        },
    )
    jobs.ring("payouts.attempt", attempt.id)
    return withdrawal


def _insert(withdrawal: Withdrawal) -> None:
    try:
        withdrawal.save(force_insert=True)
    except IntegrityError as error:
        if "withdrawal_ref_once" not in str(error):
            raise
        raise DuplicateReference(
            f"externalRef {withdrawal.external_ref!r} is already used by another withdrawal",
            errors=[FieldError("externalRef", "duplicate_reference", "is already used")],
        ) from None


def _hold(withdrawal: Withdrawal, actor: Actor) -> None:
    """Set the money aside: the ledger's floor decides, whoever else asks at this moment."""
    try:
        movements.withdrawal_requested(
            marketplace_id=withdrawal.marketplace_id,
            user_id=withdrawal.user_id,
            withdrawal_id=withdrawal.id,
            amount=withdrawal.amount,
            asset=ASSET,
            actor=actor,
        )
    except InsufficientFunds as error:
        complaint = FieldError("amount", error.code, "is more than the available balance")
        raise InsufficientFunds(error.detail, errors=[complaint], **error.extra) from None


@in_transaction
def cancel(
    *, marketplace_id: str, withdrawal_id: str, reason: str = "", actor: Actor
) -> Withdrawal:
    """Call a withdrawal back before its payment is signed; the money is available again.

    A runner that is just signing loses its lease here, and what it signed is never kept or sent.
    """
    attempts = WithdrawalAttempt.objects.filter(
        withdrawal_id=withdrawal_id, marketplace_id=marketplace_id
    )
    attempt = _locked(attempts.order_by("-id"))
    if attempt is None:
        raise NotFound(f"There is no withdrawal {withdrawal_id!r} in this marketplace")
    withdrawal = attempt.withdrawal
    if withdrawal.status != WithdrawalStatus.REQUESTED:
        raise WrongState(
            _why_not(withdrawal, attempt),
            currentStatus=withdrawal.status,
            operationId=attempt.id,
        )
    withdrawal.cancel()
    _give_back(withdrawal, actor)
    attempt.problem = {"code": CANCELLED, "detail": reason[:500]}
    finish(attempt, Status.FAILED, None)
    _save(withdrawal, "withdrawal.cancelled", actor, {"reason": reason} if reason else {})
    return withdrawal


def _why_not(withdrawal: Withdrawal, attempt: WithdrawalAttempt) -> str:
    if withdrawal.status != WithdrawalStatus.SUBMITTED:
        return f"The withdrawal is {withdrawal.status} already"
    return (
        f"The payment is signed (operation {attempt.id} is {attempt.status}) and may be on its "
        "way; it completes, or fails and gives the money back"
    )


@in_transaction
def confirm(attempt_id: str, fact: ChainFact) -> None:
    """The payment is in a ledger: pending money has left the wallet. Does it once."""
    attempt = _lock_attempt(attempt_id)
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
    _save(withdrawal, "withdrawal.completed", _runner(attempt), facts)


def _paid(attempt: WithdrawalAttempt, fact: ChainFact) -> int:
    """Stroops that left the wallet, as the chain tells it. Anything but what was asked is a defect
    that must not be booked: the operation stays UNKNOWN and the operator sees why."""
    paid = sum(
        transfer.amount
        for transfer in fact.transfers
        if transfer.sender == attempt.source_wallet.address and transfer.asset_code == ASSET
    )
    if paid != attempt.withdrawal.amount:
        log.error("withdrawal_paid_another_amount", withdrawal=attempt.withdrawal_id, paid=paid)
        raise PaidAnotherAmount(f"{attempt.withdrawal_id}: {paid}")
    return paid


class PaidAnotherAmount(RuntimeError):
    """The ledger shows another payment under this withdrawal's hash than the one asked for."""


@in_transaction
def fail(attempt_id: str, code: str, detail: str, fact: ChainFact | None) -> None:
    """Proven not to have happened: the money is available again, the withdrawal says why."""
    attempt = _lock_attempt(attempt_id)
    if not attempt.is_live:
        return
    withdrawal = attempt.withdrawal
    problem = {"code": code, "detail": detail[:500]}
    withdrawal.fail()
    withdrawal.problem = attempt.problem = problem
    _book_fee(attempt, fact)
    _give_back(withdrawal, _runner(attempt))
    finish(attempt, Status.FAILED, fact)
    facts = {"operationId": attempt.id, "hash": withdrawal.hash or None, **problem}
    _save(withdrawal, "withdrawal.failed", _runner(attempt), facts)


@in_transaction
def postpone(row: WithdrawalAttempt, code: str, detail: str, fact: ChainFact | None) -> None:
    """An envelope ended for a reason on our side (no fee money, a key): the withdrawal stays, and
    another envelope follows when the operator has mended it. `row` is the runner's own."""
    if not row.retire_envelope("expired" if fact is None else code):
        return  # the lease was lost: whoever has it now sees the same
    if fact is not None:
        attempt = _lock_attempt(row.id)
        withdrawal = attempt.withdrawal
        _book_fee(attempt, fact)
        Wallet.objects.filter(pk=attempt.source_wallet_id).update(
            fee_budget=F("fee_budget") - fact.fee_charged
        )
        withdrawal.save(update_fields=["fee", "hash", "updated_at"])
    beyond = max(row.attempts - MAX_ENVELOPES, 0)
    row.put_off(Status.PENDING, code, detail, pause=min(MAX_PAUSE * 2**beyond, LONGEST_PAUSE))


def _book_fee(attempt: WithdrawalAttempt, fact: ChainFact | None) -> None:
    """What the network charged for a transaction that failed in a ledger."""
    if fact is None:
        return
    withdrawal = attempt.withdrawal
    withdrawal.hash, withdrawal.fee = fact.hash, withdrawal.fee + fact.fee_charged
    movements.network_fee(
        marketplace_id=attempt.marketplace_id,
        operation_id=attempt.id,
        fee_address=fact.fee_account,
        fact=fact,
        actor=_runner(attempt),
    )


def _give_back(withdrawal: Withdrawal, actor: Actor) -> None:
    movements.withdrawal_returned(
        marketplace_id=withdrawal.marketplace_id,
        user_id=withdrawal.user_id,
        withdrawal_id=withdrawal.id,
        amount=withdrawal.amount,
        asset=ASSET,
        actor=actor,
    )


def _locked(attempts: QuerySet[WithdrawalAttempt]) -> WithdrawalAttempt | None:
    """The first of these attempts with its withdrawal, both locked, the attempt first."""
    rows = attempts.select_related("withdrawal", "source_wallet")
    return rows.select_for_update(of=("self", "withdrawal")).first()


def _lock_attempt(attempt_id: str) -> WithdrawalAttempt:
    attempt = _locked(WithdrawalAttempt.objects.filter(pk=attempt_id))
    if attempt is None:
        raise NotFound(f"There is no operation {attempt_id!r}")
    return attempt


def _runner(attempt: WithdrawalAttempt) -> Actor:
    return system("payouts", attempt.request_id)


def _save(withdrawal: Withdrawal, event: str, actor: Actor, payload: dict[str, Any]) -> None:
    events.record(withdrawal, event, actor=actor, payload=payload)
    withdrawal.save(update_fields=["status", "version", "hash", "fee", "problem", "updated_at"])

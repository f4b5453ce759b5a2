"""Withdrawals: what people ask for. What the chain answers is in `outcomes`.

The request sets the money aside (available → pending) and rings for the runner in `payment`.
"""

from typing import Any

from django.db import IntegrityError

from ledger import movements
from offerhub.approvals import services as approvals
from offerhub.approvals.models import Proposal
from offerhub.approvals.states import ProposalStatus
from offerhub.chain.ending import finish
from offerhub.chain.submission import Status, Submission
from offerhub.core import jobs
from offerhub.core.actor import Actor
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
from payouts import limits, members
from payouts.destinations import Checked
from payouts.members import Member
from payouts.models import Batch, Withdrawal, WithdrawalAttempt
from payouts.states import OPEN, WithdrawalStatus

ASSET = "USDC"
CANCELLED = "cancelled"  # the problem of an attempt that was called back
GIVEN_UP = "given_up"  # the problem of a withdrawal that staff ended


@in_transaction
def request_withdrawal(
    *,
    checked: Checked,
    external_ref: str | None = None,
    batch: Batch | None = None,
    actor: Actor,
) -> Withdrawal:
    """A withdrawal to a destination that was checked before this transaction began.

    Over the limit it waits for a person of the desk (`decisions`), its money set aside; that of a
    batch to which a second person agreed does not. Of a batch it is paid with others (`packing`).
    Raises InsufficientFunds, DuplicateReference, LimitExceeded and WithdrawalsPaused.
    """
    user, amount = checked.user, checked.amount
    limits.refuse_over(checked.policy, user.id, amount)
    withdrawal = Withdrawal(
        marketplace_id=user.marketplace_id,
        external_ref=external_ref,
        user=user,
        batch=batch,
        saved=checked.saved,
        amount=amount,
        destination=checked.destination,
        memo_type=checked.memo.type,
        memo=checked.memo.value,
        version=1,
    )
    if batch is None or batch.proposal_id is None:
        withdrawal.proposal = limits.proposal_for(withdrawal, actor)
    _insert(withdrawal)
    _hold(withdrawal, actor)
    waits = withdrawal.proposal is not None or batch is not None
    attempt = None if waits else begin(withdrawal, checked.wallet, actor)
    withdrawal.version = 0
    events.record(
        withdrawal,
        "withdrawal.requested",
        actor=actor,
        payload={
            "status": withdrawal.status,
            "userId": user.id,
            "amount": format_amount(amount),
            "destination": checked.destination,
            **({"batchId": batch.id} if batch else {}),
            **_what_is_next(withdrawal.proposal, attempt),
        },
    )
    return withdrawal


def _what_is_next(proposal: Proposal | None, attempt: WithdrawalAttempt | None) -> dict[str, str]:
    """The payment that carries it, or the proposal that it waits for."""
    if attempt is not None:
        return {"operationId": attempt.id}
    return {"proposalId": proposal.id} if proposal else {}


def begin(withdrawal: Withdrawal, wallet: Wallet, actor: Actor) -> WithdrawalAttempt:
    """Its payment, from this wallet; the runner is rung for."""
    attempt = WithdrawalAttempt.objects.create(
        marketplace_id=withdrawal.marketplace_id,
        withdrawal=withdrawal,
        source_wallet=wallet,
        kind=WithdrawalAttempt.KIND,
        request_id=actor.request_id,
    )
    jobs.ring("payouts.attempt", attempt.id)
    return attempt


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
    waiting = lock_waiting(withdrawal_id, marketplace_id)
    if waiting is not None:
        return _cancel_waiting(waiting, reason, actor)
    member = members.lock(withdrawal_id, marketplace_id)
    if member is not None:
        return _cancel_member(member, reason, actor)
    attempt = lock_attempt(withdrawal_id=withdrawal_id, marketplace_id=marketplace_id)
    withdrawal = attempt.withdrawal
    if withdrawal.status != WithdrawalStatus.REQUESTED:
        raise _too_late(withdrawal, attempt)
    withdrawal.cancel()
    give_back(withdrawal, actor)
    attempt.problem = {"code": CANCELLED, "detail": reason[:500]}
    finish(attempt, Status.FAILED, None)
    save(withdrawal, "withdrawal.cancelled", actor, {"reason": reason} if reason else {})
    return withdrawal


def _cancel_waiting(withdrawal: Withdrawal, reason: str, actor: Actor) -> Withdrawal:
    """Nobody is asked any more."""
    if withdrawal.proposal and withdrawal.proposal.status == ProposalStatus.OPEN:
        approvals.cancel(proposal_id=withdrawal.proposal.id, actor=actor)
    withdrawal.cancel()
    give_back(withdrawal, actor)
    save(withdrawal, "withdrawal.cancelled", actor, {"reason": reason} if reason else {})
    members.end(withdrawal)
    return withdrawal


def _cancel_member(member: Member, reason: str, actor: Actor) -> Withdrawal:
    """Of a batch: the others of its transaction, which is not signed yet, go into another one."""
    withdrawal = member.withdrawal
    if withdrawal.status != WithdrawalStatus.REQUESTED:
        raise _too_late(withdrawal, member.payment)
    if member.payment is not None:
        members.dissolve(member.payment, CANCELLED, reason)
    withdrawal.cancel()
    give_back(withdrawal, actor)
    save(withdrawal, "withdrawal.cancelled", actor, {"reason": reason} if reason else {})
    members.end(withdrawal)
    return withdrawal


@in_transaction
def give_up(*, marketplace_id: str, withdrawal_id: str, reason: str, actor: Actor) -> Withdrawal:
    """Staff end a withdrawal that waits for something nobody will mend; the money is available.

    Only while no envelope can apply: every one that was signed is proven dead. One that waits for
    approval is rejected instead.
    """
    if lock_waiting(withdrawal_id, marketplace_id) is not None:
        raise WrongState("The withdrawal waits for approval: reject it instead")
    member = members.lock(withdrawal_id, marketplace_id)
    if member is not None:
        return _give_up_member(member, reason, actor)
    attempt = lock_attempt(withdrawal_id=withdrawal_id, marketplace_id=marketplace_id)
    withdrawal = attempt.withdrawal
    if not attempt.is_live or attempt.hash:
        raise _too_late(withdrawal, attempt)
    withdrawal.fail()
    withdrawal.problem = attempt.problem = {"code": GIVEN_UP, "detail": reason[:500]}
    give_back(withdrawal, actor)
    finish(attempt, Status.FAILED, None)
    save(withdrawal, "withdrawal.failed", actor, {"operationId": attempt.id, **withdrawal.problem})
    return withdrawal


def _give_up_member(member: Member, reason: str, actor: Actor) -> Withdrawal:
    withdrawal, payment = member.withdrawal, member.payment
    if withdrawal.status not in OPEN or (payment is not None and payment.hash):
        raise _too_late(withdrawal, payment)
    if payment is not None:
        members.dissolve(payment, GIVEN_UP, reason)
    withdrawal.fail()
    withdrawal.problem = {"code": GIVEN_UP, "detail": reason[:500]}
    give_back(withdrawal, actor)
    save(withdrawal, "withdrawal.failed", actor, dict(withdrawal.problem))
    members.end(withdrawal)
    return withdrawal


def _too_late(withdrawal: Withdrawal, attempt: Submission | None) -> WrongState:
    text = f"The withdrawal is {withdrawal.status} already"
    if attempt is None:
        return WrongState(text, currentStatus=withdrawal.status)
    if attempt.is_live:
        text = (
            f"The payment is signed (operation {attempt.id} is {attempt.status}) and may be on its "
            "way; it completes, or fails and gives the money back"
        )
    return WrongState(text, currentStatus=withdrawal.status, operationId=attempt.id)


def lock_waiting(withdrawal_id: str, marketplace_id: str | None = None) -> Withdrawal | None:
    """The withdrawal if it waits for approval, under its row lock; None when it does not.

    Such a one has no payment, so nothing else of it is locked first.
    """
    rows = Withdrawal.objects.select_related("proposal", "user")
    if marketplace_id is not None:
        rows = rows.filter(marketplace_id=marketplace_id)
    undecided = rows.filter(
        pk=withdrawal_id,
        status=WithdrawalStatus.REQUESTED,
        proposal__isnull=False,
        proposal__executed_at=None,
    )
    if not undecided.exists():
        return None
    rows = rows.filter(pk=withdrawal_id, status=WithdrawalStatus.REQUESTED)
    row: Withdrawal | None = rows.select_for_update(of=("self",)).first()
    return row if row is not None and undecided.exists() else None


def lock_attempt(**named: str) -> WithdrawalAttempt:
    """The newest payment so named, with its withdrawal: both under their row locks, the payment
    first. Every change of a withdrawal starts here. Raises NotFound."""
    rows = WithdrawalAttempt.objects.select_related("withdrawal", "source_wallet")
    newest = rows.filter(**named).order_by("-id")
    attempt = newest.select_for_update(of=("self", "withdrawal")).first()
    if attempt is None:
        raise NotFound("There is no such withdrawal in this marketplace")
    return attempt


def give_back(withdrawal: Withdrawal, actor: Actor) -> None:
    """pending → available: nothing was paid, and that is proven."""
    movements.withdrawal_returned(
        marketplace_id=withdrawal.marketplace_id,
        user_id=withdrawal.user_id,
        withdrawal_id=withdrawal.id,
        amount=withdrawal.amount,
        asset=ASSET,
        actor=actor,
    )


def save(withdrawal: Withdrawal, event: str, actor: Actor, payload: dict[str, Any]) -> None:
    """The change and its event."""
    told = {"status": withdrawal.status, **payload}
    events.record(withdrawal, event, actor=actor, payload=told)
    withdrawal.save(update_fields=["status", "version", "hash", "fee", "problem", "updated_at"])

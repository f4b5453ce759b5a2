"""What the chain answered to a claim. One transaction each, done once."""

from datetime import datetime, timedelta

import structlog

from ledger import movements
from offerhub.chain.claimables import Unreadable, opens_at
from offerhub.chain.ending import finish
from offerhub.chain.events import Seen
from offerhub.chain.submission import MAX_PAUSE, Status
from offerhub.chain.types import ChainFact
from offerhub.claims.models import Claim, ClaimableBalance
from offerhub.claims.services import Reason, State, move
from offerhub.core import clock
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.deposits import booking
from offerhub.deposits.models import Deposit

log = structlog.get_logger(__name__)

# Between a claim that came too early, or too late, and the next one.
AGAIN = timedelta(minutes=1)


class ClaimedNothing(RuntimeError):
    """The ledger shows another claim under this hash than the one that was asked for."""


@in_transaction
def confirm(operation_id: str, fact: ChainFact) -> None:
    """The claim is in a ledger: what it brought is booked as a deposit, by the same function and
    under the same name as when the monitor reads its event, so that it is credited once."""
    claim = _lock(operation_id)
    if not claim.is_live:
        return
    balance = claim.balance
    seen = [Seen(each, fact.hash, fact.ledger, fact.closed_at) for each in fact.transfers]
    booking.book(balance.network, seen)
    _refuse_unless_deposited(claim, fact)
    _book_fee(claim, fact)
    finish(claim, Status.CONFIRMED, fact)
    move(balance, State.CLAIMED, "claimed", asker(claim), hash=fact.hash, ledger=fact.ledger)


def _refuse_unless_deposited(claim: Claim, fact: ChainFact) -> None:
    """Anything but what was asked for is a defect that must not be booked."""
    balance = claim.balance
    made = Deposit.objects.filter(
        network=balance.network,
        tx_hash=fact.hash,
        address=claim.source_wallet.address,
        asset_code=balance.asset_code,
        asset_issuer=balance.asset_issuer,
        amount=balance.amount,
    )
    if not made.exists():
        log.error("claim_brought_something_else", operation=claim.pk, hash=fact.hash)
        raise ClaimedNothing(claim.pk)


@in_transaction
def fail(operation_id: str, code: str, detail: str, fact: ChainFact | None) -> None:
    """Proven not to have happened. Gone, to be tried later, or for a person to decide."""
    claim = _lock(operation_id)
    if not claim.is_live:
        return
    if fact is not None:
        _book_fee(claim, fact)
    claim.problem = {"code": code, "detail": detail[:500]}
    finish(claim, Status.FAILED, fact)
    balance, actor = claim.balance, asker(claim)
    if code == "op_does_not_exist":
        move(balance, State.GONE, "gone", actor, code=code)
        return
    reason = Reason.FAILED
    if code == "op_cannot_claim":
        due_at, reason = _next(balance)
        if due_at is not None:
            move(balance, State.PENDING, "postponed", actor, due_at=due_at, code=code)
            return
    move(balance, State.REFUSED, "refused", actor, reason=reason)


def _next(balance: ClaimableBalance) -> tuple[datetime | None, ClaimableBalance.Reason]:
    """When it may be claimed next, or why never."""
    now = clock.now()
    try:
        due_at = opens_at(balance.predicate, now)
    except Unreadable:
        return None, Reason.UNREADABLE
    return (None, Reason.TOO_LATE) if due_at is None else (max(due_at, now + AGAIN), Reason.NONE)


@in_transaction
def postpone(row: Claim, code: str, detail: str, fact: ChainFact | None) -> None:
    """An envelope ended for a reason on our side: another one follows when that is mended.

    `row` is the runner's own, with its lease; when that was lost, whoever has it sees the same.
    """
    claim = _lock(row.pk)
    if (claim.lease, claim.hash) != (row.lease, row.hash):
        return
    if fact is not None:
        _book_fee(claim, fact)
    row.begin_anew(code, detail, fact, MAX_PAUSE)


def _book_fee(claim: Claim, fact: ChainFact) -> None:
    movements.network_fee(
        marketplace_id=claim.marketplace_id,
        operation_id=claim.pk,
        fee_address=fact.fee_account,
        fact=fact,
        actor=asker(claim),
    )


def asker(claim: Claim) -> Actor:
    """Who asked for it."""
    return Actor.parse(claim.actor, claim.request_id)


def _lock(operation_id: str) -> Claim:
    """The claim and its balance, both under their row locks."""
    rows = Claim.objects.select_related("balance__wallet", "source_wallet")
    return rows.select_for_update(of=("self", "balance")).get(pk=operation_id)

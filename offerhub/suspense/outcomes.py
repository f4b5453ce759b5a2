"""What the chain answered to the payment that clears a deposit. One transaction each, done once."""

from typing import Any

import structlog

from ledger import movements
from offerhub.chain.ending import finish
from offerhub.chain.submission import MAX_PAUSE, Status
from offerhub.chain.types import ChainFact
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.deposits.models import Deposit
from offerhub.suspense.models import Clearance
from offerhub.suspense.services import Kind, is_usdc, record
from offerhub.users.models import Wallet

log = structlog.get_logger(__name__)


class PaidAnotherAmount(RuntimeError):
    """The ledger shows another payment under this hash than the one that was decided."""


@in_transaction
def confirm(operation_id: str, fact: ChainFact) -> None:
    """The payment is in a ledger: the money leaves suspense, to the user or to outside."""
    clearance = _lock(operation_id)
    if not clearance.is_live:
        return
    deposit = clearance.deposit
    _refuse_unless_paid(clearance, fact)
    assigned = clearance.kind == Kind.ASSIGN
    if assigned:
        _book_assignment(clearance, fact)
        deposit.status, deposit.user = Deposit.Status.CREDITED, clearance.user
    else:
        movements.suspense_returned(
            **_common(clearance, fact), asset=_asset(deposit), holder=_holder(clearance)
        )
        deposit.status = Deposit.Status.RETURNED
    finish(clearance, Status.CONFIRMED, fact)
    event = "deposit.assigned" if assigned else "deposit.returned"
    facts = {"hash": fact.hash, "ledger": fact.ledger}
    record(deposit, event, clearance, asker(clearance), **facts)


def _book_assignment(clearance: Clearance, fact: ChainFact) -> None:
    movements.suspense_assigned(
        **_common(clearance, fact),
        asset=clearance.deposit.asset_code,
        holder=_holder(clearance),
        user_id=str(clearance.user_id),
        to_address=clearance.destination,
    )


def _refuse_unless_paid(clearance: Clearance, fact: ChainFact) -> None:
    """Anything but what was decided is a defect that must not be booked."""
    deposit, source = clearance.deposit, clearance.source_wallet.address
    paid = sum(
        transfer.amount
        for transfer in fact.transfers
        if (transfer.sender, transfer.asset_code) == (source, deposit.asset_code)
    )
    if paid != clearance.amount:
        log.error("clearance_paid_another_amount", operation=clearance.pk, paid=paid)
        raise PaidAnotherAmount(f"{clearance.pk}: {paid}")


def _common(clearance: Clearance, fact: ChainFact) -> dict[str, Any]:
    return {
        "marketplace_id": clearance.marketplace_id,
        "deposit_id": clearance.deposit_id,
        "from_address": clearance.source_wallet.address,
        "amount": clearance.amount,
        "fact": fact,
        "operation_id": clearance.pk,
        "fee_address": fact.fee_account,
        "actor": asker(clearance),
    }


def _asset(deposit: Deposit) -> str:
    """As the deposit was booked: the code alone for the genuine ones."""
    if is_usdc(deposit) or not deposit.asset_issuer:
        return deposit.asset_code
    return f"{deposit.asset_code}:{deposit.asset_issuer}"


def _holder(clearance: Clearance) -> movements.Holder:
    own = clearance.source_wallet.kind == Wallet.Kind.PLATFORM
    return "platform" if own else "wallet"


@in_transaction
def fail(operation_id: str, code: str, detail: str, fact: ChainFact | None) -> None:
    """Proven not to have happened: the deposit stays in suspense, and can be decided anew."""
    clearance = _lock(operation_id)
    if not clearance.is_live:
        return
    if fact is not None:
        _book_fee(clearance, fact)
    clearance.problem = {"code": code, "detail": detail[:500]}
    finish(clearance, Status.FAILED, fact)
    word = "assignment" if clearance.kind == Kind.ASSIGN else "return"
    record(clearance.deposit, f"deposit.{word}_failed", clearance, asker(clearance), code=code)


@in_transaction
def postpone(row: Clearance, code: str, detail: str, fact: ChainFact | None) -> None:
    """An envelope ended for a reason on our side: another one follows when that is mended.

    `row` is the runner's own, with its lease; when that was lost, whoever has it sees the same.
    """
    clearance = _lock(row.pk)
    if (clearance.lease, clearance.hash) != (row.lease, row.hash):
        return
    if fact is not None:
        _book_fee(clearance, fact)
    row.begin_anew(code, detail, fact, MAX_PAUSE)


def _book_fee(clearance: Clearance, fact: ChainFact) -> None:
    movements.network_fee(
        marketplace_id=clearance.marketplace_id,
        operation_id=clearance.pk,
        fee_address=fact.fee_account,
        fact=fact,
        actor=asker(clearance),
    )


def asker(clearance: Clearance) -> Actor:
    """Who decided it."""
    return Actor.parse(clearance.actor, clearance.request_id)


def _lock(operation_id: str) -> Clearance:
    """The payment and its deposit: both under their row locks."""
    rows = Clearance.objects.select_related("deposit", "source_wallet")
    return rows.select_for_update(of=("self", "deposit")).get(pk=operation_id)

"""Deciding about a deposit in suspense: give it to a user, or send it back.

Either way the money moves on the chain, out of the wallet that received it, so that books and chain
never differ. Until that payment is confirmed the deposit stays in suspense.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any

from offerhub.chain import stellar
from offerhub.chain.network import current
from offerhub.chain.types import ChainUnavailable
from offerhub.core import jobs
from offerhub.core.actor import Actor
from offerhub.core.db import assert_no_transaction, in_transaction
from offerhub.core.errors import (
    DestinationRefused,
    InvalidRequest,
    NotFound,
    OperationInFlight,
    Unavailable,
    Unprocessable,
    WalletNotActive,
    WrongState,
)
from offerhub.core.money import format_amount
from offerhub.deposits.models import Deposit
from offerhub.events import services as events
from offerhub.suspense.models import Clearance
from offerhub.users.models import User, Wallet

Kind = Clearance.Kind
JOB = "suspense.clearance"
XLM = "XLM"


@in_transaction
def request_assignment(*, deposit_id: str, user_id: str, reason: str, actor: Actor) -> Clearance:
    """Send a deposit of USDC on to a user's wallet; confirmed, it is the user's.

    Raises WrongState (with what to do instead), NotFound, WalletNotActive, OperationInFlight.
    """
    deposit = _lock(deposit_id)
    source = _refuse_unless_clearable(deposit)
    if not is_usdc(deposit):
        raise WrongState(f"Users hold USDC alone; {deposit.asset_code} can only be sent back")
    users = User.objects.select_related("wallet").filter(marketplace=deposit.marketplace_id)
    found = users.filter(pk=user_id).first()
    wallet: Wallet | None = getattr(found, "wallet", None)
    if found is None or wallet is None:
        raise NotFound("There is no such user in the deposit's marketplace")
    if wallet.kind == Wallet.Kind.EXTERNAL:
        raise WrongState(
            f"{found.external_id} holds the key of their wallet themselves, so nothing in it can "
            "be credited; send the deposit back instead"
        )
    if wallet.status != Wallet.Status.ACTIVE:
        raise WalletNotActive(f"The wallet of {found.external_id} is {wallet.status}, not active")
    return _start(deposit, source, Kind.ASSIGN, wallet.address, reason, actor, found)


@dataclass(frozen=True)
class Checked:
    """A deposit whose sender could take it back just now."""

    deposit_id: str
    destination: str


def check_return(*, deposit_id: str) -> Checked:
    """Ask the network whether the sender can take it back; no transaction is open.

    Raises WrongState, DestinationRefused, and Unavailable when the network does not answer.
    """
    deposit = Deposit.objects.filter(pk=deposit_id).first()
    if deposit is None:
        raise NotFound("There is no such deposit")
    _refuse_unless_clearable(deposit)
    _refuse_unless_returnable(deposit)
    assert_no_transaction()
    try:
        if is_usdc(deposit):
            stellar.check_destination(deposit.sender, deposit.amount, has_memo=False)
        else:
            _check_other(deposit)
    except ChainUnavailable as error:
        raise Unavailable(
            f"The sender could not be looked at on the network: {error}",
            retry_after=ceil(error.retry_after),
        ) from error
    return Checked(deposit.pk, deposit.sender)


def _check_other(deposit: Deposit) -> None:
    account = stellar.account(stellar.receiving_account(deposit.sender))
    line = account.line(deposit.asset_code, deposit.asset_issuer)
    if not account.exists:
        raise DestinationRefused("The sender's account does not exist any more")
    if line is None or line.limit - line.balance < deposit.amount:
        raise DestinationRefused(f"The sender can not take {deposit.asset_code} back")


@in_transaction
def request_return(*, checked: Checked, reason: str, actor: Actor) -> Clearance:
    """Send a deposit back to its sender, as it was checked. Raises as `request_assignment`."""
    deposit = _lock(checked.deposit_id)
    source = _refuse_unless_clearable(deposit)
    _refuse_unless_returnable(deposit)
    return _start(deposit, source, Kind.RETURN, checked.destination, reason, actor, None)


def is_usdc(deposit: Deposit) -> bool:
    """Whether it is the genuine asset that users hold."""
    network = current()
    return (deposit.asset_code, deposit.asset_issuer) == (network.asset_code, network.usdc_issuer)


def why_not(deposit: Deposit) -> str:
    """Why nobody can decide about it now; "" when somebody can."""
    try:
        _refuse_unless_clearable(deposit)
    except (WrongState, OperationInFlight) as refusal:
        return refusal.detail
    return ""


def why_not_back(deposit: Deposit) -> str:
    """Why it can not be sent back; "" when it can, as far as is known without the network."""
    try:
        _refuse_unless_returnable(deposit)
    except WrongState as refusal:
        return refusal.detail
    return ""


def _lock(deposit_id: str) -> Deposit:
    rows = Deposit.objects.select_for_update()
    deposit: Deposit | None = rows.filter(pk=deposit_id).first()
    if deposit is None:
        raise NotFound("There is no such deposit")
    return deposit


def _refuse_unless_clearable(deposit: Deposit) -> Wallet:
    """The wallet that holds it. Raises WrongState or OperationInFlight."""
    if deposit.status != Deposit.Status.SUSPENSE:
        raise WrongState(f"The deposit is {deposit.status}: nothing is to be decided any more")
    if deposit.holder == Deposit.Holder.CONTRACT:
        raise WrongState("It lies in an escrow contract and leaves with the contract's settlement")
    live = deposit.clearances.exclude(status=Clearance.Status.FAILED).first()
    if live is not None:
        raise OperationInFlight(f"Operation {live.pk} ({live.kind}) of this deposit is on its way")
    wallet = Wallet.objects.filter(address=deposit.address).first()
    if wallet is None or wallet.kind == Wallet.Kind.EXTERNAL:
        raise WrongState("It lies in a wallet whose key we do not keep")
    return wallet


def _refuse_unless_returnable(deposit: Deposit) -> None:
    sender = deposit.sender
    if not sender or sender == deposit.asset_issuer:
        raise WrongState("The issuer sent it: what goes back to the issuer is destroyed")
    if sender.startswith("B"):
        raise WrongState("It was claimed: whoever had set it aside is on the page of the balance")
    if not sender.startswith(("G", "M")):
        raise WrongState("A contract sent it; it may not know what to do with a payment")
    if Wallet.objects.filter(address=sender, marketplace=deposit.marketplace_id).exists():
        raise WrongState("One of the marketplace's own wallets sent it: assign it to its user")


def _start(
    deposit: Deposit,
    source: Wallet,
    kind: Clearance.Kind,
    destination: str,
    reason: str,
    actor: Actor,
    user: User | None,
) -> Clearance:
    reason = reason.strip()
    if not reason:
        raise InvalidRequest("Say why: it is kept with the decision")
    if len(reason) > 500:
        raise Unprocessable("The reason is longer than 500 characters")
    clearance = Clearance.objects.create(
        marketplace_id=deposit.marketplace_id,
        source_wallet=source,
        deposit=deposit,
        kind=kind.value,
        user=user,
        destination=destination,
        amount=deposit.amount,
        reason=reason,
        actor=str(actor),
        request_id=actor.request_id,
    )
    word = "assignment" if kind == Kind.ASSIGN else "return"
    record(deposit, f"deposit.{word}_requested", clearance, actor)
    jobs.ring(JOB, clearance.pk)
    return clearance


def record(deposit: Deposit, event: str, clearance: Clearance, actor: Actor, **more: Any) -> None:
    """The event, and the deposit's fields that a clearance may change."""
    payload = {
        "operationId": clearance.pk,
        "amount": format_amount(clearance.amount),
        "asset": deposit.asset_code,
        "userId": clearance.user_id,
        "destination": clearance.destination,
        **more,
    }
    events.record(deposit, event, actor=actor, payload=payload)
    deposit.save(update_fields=["status", "user", "version"])

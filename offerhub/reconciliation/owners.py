"""To which record a transaction of ours belongs: one that waits for it, or one that is made for it
by the services, as it was asked for after the backup.

Each function answers the operation, not confirmed yet, or raises Unplaced with what to do.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django_fsm import TransitionNotAllowed

from ledger.chart import AccountKind
from ledger.services import open_account
from offerhub.chain.submission import LIVE, Submission
from offerhub.chain.tables import concrete_tables
from offerhub.chain.told import Paid, Told
from offerhub.core.actor import system
from offerhub.core.errors import Refusal
from offerhub.reconciliation import batched
from offerhub.reconciliation.unplaced import Unplaced
from offerhub.users.models import Wallet
from offerhub.wallets import services as wallets
from offerhub.wallets.models import WalletOperation
from orders import escrow_services, operations, rows
from orders import services as orders
from orders.models import Escrow, EscrowOperation, Milestone, Order
from orders.states import OrderStatus
from payouts import limits
from payouts import services as payouts
from payouts.destinations import Checked
from payouts.memos import Memo

ACTOR = system("recovery")
Kind = EscrowOperation.Kind
FUNCTIONS = {
    "fund_escrow": Kind.FUND,
    "change_milestone_status": Kind.COMPLETE,
    "approve_milestone": Kind.APPROVE,
    "release_funds": Kind.RELEASE,
    "release_milestone_funds": Kind.RELEASE,
    "dispute_escrow": Kind.DISPUTE,
    "dispute_milestone": Kind.DISPUTE,
    "resolve_dispute": Kind.RESOLVE,
    "resolve_milestone_dispute": Kind.RESOLVE,
    "withdraw_remaining_funds": Kind.SWEEP,
}


def owner_of(told: Told) -> Submission:
    """The operation that this transaction is. Raises Unplaced."""
    if batched.is_batch(told):
        return batched.payment_of(told)
    source = Wallet.objects.filter(address=told.source).first()
    if source is None:
        raise Unplaced("its wallet is none of ours")
    try:
        if told.deploys:
            return _deployment(told)
        if told.function:
            return _call(told)
        if told.creates:
            return _activation(told, source)
        if told.paid:
            return _payment(told, told.paid, source)
        if told.trusts:
            return _waiting(WalletOperation, wallet=source, kind="BOOTSTRAP")
    except (Refusal, TransitionNotAllowed) as refusal:
        raise Unplaced(f"the books can not take it: {refusal}") from refusal
    raise Unplaced("it is nothing that we ever ask for: look at who has the wallet's key")


@transaction.atomic
def expect_contract(told: Told) -> None:
    """Make the account of a contract that an order of ours has by now, before the monitor reads
    on: what it pays out is a settlement then, and not a stranger's deposit."""
    order = order_of(told) if told.deploys else None
    if order is not None:
        open_account(
            marketplace_id=order.marketplace_id,
            kind=AccountKind.CONTRACT,
            owner=told.deploys,
            asset=payouts.ASSET,
            user_id=None,
        )


def order_of(told: Told) -> Order | None:
    """The order that a deployment names."""
    return Order.objects.filter(pk__in=list(_texts(told.arguments, "ord_"))).first()


# --- contracts --------------------------------------------------------------------------------
def _deployment(told: Told) -> Submission:
    order = order_of(told)
    if order is None:
        names = ", ".join(_texts(told.arguments, "ord_")) or "an order"
        raise Unplaced(
            f"{names} is not in this database: ask the marketplace to place it again and book what "
            "the contract holds as a difference"
        )
    live = order.operations.filter(status__in=LIVE, kind=Kind.DEPLOY).first()
    if live is None:
        named: dict[str, Any] = {"marketplace_id": order.marketplace_id, "order_id": order.pk}
        if order.status == OrderStatus.CREATED:
            orders.reserve(**named, actor=ACTOR)
        escrow_services.request_deploy(**named, actor=ACTOR)
        live = order.operations.get(status__in=LIVE)
    return live


def _call(told: Told) -> Submission:
    kind = FUNCTIONS.get(told.function)
    escrow = Escrow.objects.filter(contract_id=told.contract).first()
    if kind is None or escrow is None:
        raise Unplaced(f"the contract {told.contract} is of no order in this database")
    milestone = _milestone(escrow, kind, told)
    live = escrow.order.operations.filter(status__in=LIVE).first()
    if live is None:
        _begin(escrow, kind, told, milestone)
        live = escrow.order.operations.get(status__in=LIVE)
    if live.kind != kind or (milestone and live.milestone_id != milestone.pk):
        raise Unplaced(f"operation {live.pk} ({live.kind}) of its order comes first")
    return live


@transaction.atomic
def _begin(escrow: Escrow, kind: Kind, told: Told, milestone: Milestone | None) -> None:
    """The call's own operation alone, as the plan that it was a part of would have made it."""
    order = rows.locked_by_escrow(escrow.pk, escrow.marketplace_id)
    assert order is not None
    running = [OrderStatus.IN_PROGRESS, OrderStatus.DISPUTED]
    expected = [OrderStatus.ESCROW_CREATED] if kind == Kind.FUND else running
    orders.refuse_unless(order, *expected, doing=f"taking in {kind}")
    step: dict[str, Any] = {"kind": kind.value, "args": {}}
    if milestone is not None:
        step |= {"milestone": milestone.pk, "index": milestone.position}
    if kind == Kind.DISPUTE:
        # Which case it was for is not known: frozen it is, and staff open the case again.
        by = "seller" if told.source == escrow.seller_address else "buyer"
        step["args"] = {"divided": True, "by": by}
    if kind == Kind.RESOLVE:
        assert milestone is not None
        step["args"] = _shares(escrow, milestone, told)
    operations.start(order.escrow, [step], ACTOR, milestone)  # type: ignore[list-item]


def _milestone(escrow: Escrow, kind: Kind, told: Told) -> Milestone | None:
    if kind == Kind.FUND:
        return None
    index = 0
    if escrow.kind == Escrow.Kind.MULTI:
        numbers = [value for value in told.arguments if type(value) is int]
        index = numbers[0] if numbers else 0
    return escrow.order.milestones.filter(position=index).first()


def _shares(escrow: Escrow, milestone: Milestone, told: Told) -> dict[str, int]:
    """Who was given how much; a stranger's surplus is on the side that the rule says."""
    given = next(value for value in told.arguments if isinstance(value, dict))
    seller, buyer = given.get(escrow.seller_address, 0), given.get(escrow.buyer_address, 0)
    surplus = seller + buyer - milestone.amount
    if buyer:
        buyer -= surplus
    else:
        seller -= surplus
    return {"to_seller": seller, "to_buyer": buyer}


def _texts(value: Any, prefix: str) -> set[str]:
    """Texts with a prefix, however deep in the arguments."""
    if isinstance(value, dict):
        return {each for inner in value.values() for each in _texts(inner, prefix)}
    if isinstance(value, list | tuple):
        return {each for inner in value for each in _texts(inner, prefix)}
    return {value} if isinstance(value, str) and value.startswith(prefix) else set()


# --- wallets ----------------------------------------------------------------------------------
def _activation(told: Told, source: Wallet) -> Submission:
    wallet = Wallet.objects.filter(address=told.creates).first()
    if wallet is None:
        raise Unplaced(
            f"the wallet {told.creates} is not in this database, and its key neither: what it "
            "holds can be reached only with a newer copy of the database"
        )
    if wallet.status == Wallet.Status.PENDING:
        wallets.request_operation(wallet_id=wallet.pk)
    return _waiting(WalletOperation, wallet=wallet, kind="ACTIVATE")


def _payment(told: Told, paid: Paid, source: Wallet) -> Submission:
    to = Wallet.objects.filter(address=paid.destination).first()
    if paid.asset_code == "XLM" and to is not None and source.kind == Wallet.Kind.PLATFORM:
        live = WalletOperation.objects.filter(wallet=to, status__in=LIVE, kind="TOP_UP").first()
        return live or WalletOperation.objects.create(
            marketplace_id=source.marketplace_id, wallet=to, source_wallet=source, kind="TOP_UP"
        )
    found = _asked_payment(paid, source)
    if found is not None:
        return found
    if source.user is None or paid.asset_code != payouts.ASSET:
        raise Unplaced("nobody asked for it in this database: book it as a difference")
    most = limits.limit()
    if most is not None and paid.amount > most:
        raise Unplaced("it is over the limit of withdrawals: book it against the user's money")
    checked = Checked(source.user, source, paid.destination, Memo(*told.memo), paid.amount)
    withdrawal = payouts.request_withdrawal(checked=checked, actor=ACTOR)
    return withdrawal.attempts.get()


def _asked_payment(paid: Paid, source: Wallet) -> Submission | None:
    """A live payment from this wallet, of this amount to this address, in whatever table."""
    for table in concrete_tables():
        names = {field.name for field in table._meta.fields}
        about = "withdrawal__" if "withdrawal" in names else ""
        if not about and "destination" not in names:
            continue
        asked: dict[str, Any] = {
            "source_wallet": source,
            f"{about}destination": paid.destination,
            f"{about}amount": paid.amount,
        }
        live = table._base_manager.filter(status__in=LIVE, **asked)
        if (row := live.first()) is not None:
            return row
    return None


def _waiting(table: type[Submission], **named: Any) -> Submission:
    row = table._base_manager.filter(status__in=LIVE, **named).first()
    if row is None:
        raise Unplaced("no operation waits for it")
    return row


META: dict[str, Callable[[Told, int], dict[str, Any]]] = {
    "DEPLOY": lambda told, xlm: {"contract_id": told.deploys},
    "BOOTSTRAP": lambda told, xlm: {"xlm": xlm},
    "PAYMENT": lambda told, xlm: {"fee": told.fee},
    "BATCH_PAYMENT": lambda told, xlm: {"fee": told.fee // len(told.payments)},
}

"""Wallets on the chain: request, confirm and fail, for coming to life and for fee money."""

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from ledger import movements
from offerhub.chain.ending import finish
from offerhub.chain.network import current
from offerhub.chain.submission import LIVE, Status
from offerhub.chain.types import ChainFact
from offerhub.core import jobs
from offerhub.core.actor import Actor, system
from offerhub.core.db import in_transaction
from offerhub.core.errors import WrongState
from offerhub.core.money import UNIT, parse_amount
from offerhub.events import services as events
from offerhub.users.models import Wallet
from offerhub.wallets.models import WalletOperation

Kind = WalletOperation.Kind
ACTOR = system("wallets")
# A sponsored account with one trustline locks three base reserves of its sponsor.
SPONSORED_RESERVE = 3 * UNIT // 2
PLATFORM_LOW = 3_000 * UNIT  # on test networks, where friendbot refills it


def fee_float() -> int:
    """Stroops of XLM that a managed wallet gets for network fees."""
    return parse_amount(settings.WALLET_FEE_FLOAT)


def low_water() -> int:
    """Stroops of XLM under which a wallet is topped up."""
    return parse_amount(settings.WALLET_FEE_LOW_WATER)


@in_transaction
def request_operation(*, wallet_id: str, request_id: str = "") -> WalletOperation | None:
    """The operation that this wallet needs now; None when it needs none, or can not have it yet.

    A pending platform wallet gets its trustline by itself; every other pending wallet is sponsored
    by the platform wallet; an active one that is low on fee money is topped up. `request_id` is
    that of who asks; a user's first operation is asked for by the request that made the user.
    """
    wallet = Wallet.objects.select_for_update().get(pk=wallet_id)
    if wallet.operations.filter(status__in=LIVE).exists():
        return None
    if wallet.kind == Wallet.Kind.PLATFORM:
        kind, source = Kind.BOOTSTRAP, wallet
    else:
        pending = wallet.status == Wallet.Status.PENDING
        kind = Kind.ACTIVATE if pending else Kind.TOP_UP
        sponsor = platform_wallet(wallet.marketplace_id)
        if sponsor is None or sponsor.status != Wallet.Status.ACTIVE:
            return None
        source = sponsor
    if not _needs(wallet, kind):
        return None
    if kind == Kind.ACTIVATE and wallet.user_id and not request_id:
        request_id = events.request_that_made(wallet.user_id)
    operation = WalletOperation.objects.create(
        marketplace_id=wallet.marketplace_id,
        wallet=wallet,
        source_wallet=source,
        kind=kind.value,
        request_id=request_id,
    )
    jobs.ring("wallets.operation", operation.id)
    return operation


@in_transaction
def request_again(*, operation_id: str, actor: Actor) -> WalletOperation | None:
    """After bringing a wallet to life failed for good: try it with a new operation.

    None when its sponsor is not alive yet; it is then asked for as soon as that is. Raises
    WrongState when the operation did not fail, or the wallet does not need it any more.
    """
    failed = _lock(operation_id)
    wallet = failed.wallet
    if failed.status != Status.FAILED:
        raise WrongState(f"The operation is {failed.status}, it did not fail")
    if failed.kind == Kind.TOP_UP:
        raise WrongState("Fee money is asked for by itself whenever a wallet is low on it")
    if wallet.status != Wallet.Status.FAILED:
        raise WrongState(f"The wallet is {wallet.status}: nothing is to be done again")
    wallet.status = Wallet.Status.PENDING
    payload = {"operationId": failed.id, "address": wallet.address}
    events.record(wallet, "wallet.retried", actor=actor, payload=payload)
    wallet.save(update_fields=["status", "version"])
    return request_operation(wallet_id=wallet.pk, request_id=actor.request_id)


def _needs(wallet: Wallet, kind: Kind) -> bool:
    if kind == Kind.TOP_UP:
        return wallet.status == Wallet.Status.ACTIVE and wallet.fee_budget < low_water()
    return wallet.status == Wallet.Status.PENDING


def platform_wallet(marketplace_id: str) -> Wallet | None:
    """The wallet that sponsors the others and takes the fees; None before it is made."""
    return Wallet.objects.filter(marketplace_id=marketplace_id, kind=Wallet.Kind.PLATFORM).first()


@in_transaction
def confirm(operation_id: str, fact: ChainFact) -> None:
    """The chain did it. Books the fee money that moved and what the network charged."""
    operation = _lock(operation_id)
    if not operation.is_live:
        return
    wallet = operation.wallet
    if operation.kind == Kind.BOOTSTRAP:
        movements.network_fee(
            marketplace_id=wallet.marketplace_id,
            operation_id=operation.id,
            fee_address=fact.fee_account,
            fact=fact,
            actor=ACTOR,
        )
        wallet.fee_budget = operation.envelope_meta["xlm"] - fact.fee_charged
    else:
        _book_fee_money(operation, fact)
    if operation.kind != Kind.TOP_UP:
        wallet.status = Wallet.Status.ACTIVE
    finish(operation, Status.CONFIRMED, fact)
    _record(wallet, operation, f"wallet.{operation.kind.lower()}_confirmed")


def _book_fee_money(operation: WalletOperation, fact: ChainFact) -> None:
    wallet, source = operation.wallet, operation.source_wallet
    moved = sum(
        t.amount
        for t in fact.transfers
        if t.asset_code == "XLM" and (t.sender, t.recipient) == (source.address, wallet.address)
    )
    movements.fee_money_moved(
        marketplace_id=wallet.marketplace_id,
        from_address=source.address,
        to_address=wallet.address,
        amount=moved,
        source=f"wallet:{wallet.id}:{operation.id}",
        fact=fact,
        operation_id=operation.id,
        fee_address=fact.fee_account,
        actor=ACTOR,
    )
    wallet.fee_budget += moved
    locked = SPONSORED_RESERVE if operation.kind == Kind.ACTIVATE else 0
    Wallet.objects.filter(pk=source.pk).update(fee_budget=F("fee_budget") - moved - locked)


@in_transaction
def fail(operation_id: str, code: str, detail: str, fact: ChainFact | None) -> None:
    """Proven not to have happened. A wallet that can not come to life is for an operator to see."""
    operation = _lock(operation_id)
    if not operation.is_live:
        return
    wallet = operation.wallet
    if fact is not None:
        movements.network_fee(
            marketplace_id=wallet.marketplace_id,
            operation_id=operation.id,
            fee_address=fact.fee_account,
            fact=fact,
            actor=ACTOR,
        )
    if wallet.status == Wallet.Status.PENDING:
        wallet.status = Wallet.Status.FAILED
    operation.problem = {"code": code, "detail": detail[:500]}
    finish(operation, Status.FAILED, fact)
    _record(wallet, operation, f"wallet.{operation.kind.lower()}_failed", code)


@transaction.atomic
def retire(operation: WalletOperation, code: str, fact: ChainFact) -> None:
    """Its envelope failed in a ledger and another one follows: only what the network charged is
    booked. `operation` is the runner's own, with its lease."""
    if not operation.retire_envelope(code):
        return
    movements.network_fee(
        marketplace_id=operation.marketplace_id,
        operation_id=operation.id,
        fee_address=fact.fee_account,
        fact=fact,
        actor=ACTOR,
    )
    operation.charge(fact)


def _lock(operation_id: str) -> WalletOperation:
    return (
        WalletOperation.objects.select_related("wallet", "source_wallet")
        .select_for_update(of=("self", "wallet"))
        .get(pk=operation_id)
    )


def _record(wallet: Wallet, operation: WalletOperation, event: str, code: str = "") -> None:
    payload = {"operationId": operation.id, "hash": operation.hash, "address": wallet.address}
    events.record(wallet, event, actor=ACTOR, payload=payload | ({"code": code} if code else {}))
    wallet.save(update_fields=["status", "fee_budget", "version"])


def in_need() -> list[str]:
    """Ids of wallets that are not alive yet or low on fee money, and have no operation."""
    kinds = [Wallet.Kind.MANAGED, Wallet.Kind.RESOLVER, Wallet.Kind.CHANNEL]
    sponsored = Q(kind__in=kinds)
    low = sponsored & Q(fee_budget__lt=low_water())
    if current().friendbot_url:
        low |= Q(kind=Wallet.Kind.PLATFORM, fee_budget__lt=PLATFORM_LOW)
    needy = Q(status=Wallet.Status.PENDING) | (Q(status=Wallet.Status.ACTIVE) & low)
    sponsor = Wallet.objects.filter(
        marketplace=OuterRef("marketplace"), kind=Wallet.Kind.PLATFORM, status=Wallet.Status.ACTIVE
    )
    can_be_helped = Q(kind=Wallet.Kind.PLATFORM) | Exists(sponsor)
    rows = Wallet.objects.filter(needy & can_be_helped).exclude(operations__status__in=LIVE)
    return list(rows.order_by("id").values_list("id", flat=True)[:200])

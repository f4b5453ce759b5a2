"""Rows as the services leave them, without a network: for pages that only show."""

from typing import Any

from django.utils import timezone

from ledger import movements
from offerhub.chain.types import ChainFact
from offerhub.deposits.models import Deposit
from offerhub.marketplaces import services as marketplaces
from offerhub.marketplaces.models import Marketplace
from offerhub.users import services as users
from offerhub.users.models import User, Wallet
from offerhub.wallets.models import WalletOperation
from tests.world import ACTOR

SENDER = "G" + "B" * 55


def market(name: str = "Market") -> Marketplace:
    """A marketplace with its own wallets, not alive."""
    made = marketplaces.create_marketplace(name=name, actor=ACTOR)
    users.make_own_wallets(marketplace_id=made.id)
    return made


def user(market: Marketplace, external_id: str, *, money: int = 0) -> User:
    """A user with a live wallet, and a booked deposit of so many stroops."""
    made, _ = users.create_user(
        marketplace_id=market.id, new=users.NewUser(external_id), actor=ACTOR
    )
    Wallet.objects.filter(pk=made.wallet.pk).update(status=Wallet.Status.ACTIVE)
    if money:
        movements.deposit(
            marketplace_id=market.id,
            user_id=made.pk,
            address=made.wallet.address,
            amount=money,
            asset="USDC",
            source=f"deposit:test:{made.pk}",
            fact=fact(),
            actor=ACTOR,
        )
    return made


def fact(hash: str = "a" * 64, ledger: int = 7) -> ChainFact:
    """What a ledger told."""
    return ChainFact(hash, ledger, timezone.now(), 0, "", True, ())


def operation(wallet: Wallet, **changes: Any) -> WalletOperation:
    """A chain operation on a wallet."""
    values: dict[str, Any] = {
        "marketplace_id": wallet.marketplace_id,
        "wallet": wallet,
        "source_wallet": wallet,
        "kind": WalletOperation.Kind.ACTIVATE,
    }
    return WalletOperation.objects.create(**values | changes)


def suspended(market: Marketplace, *, amount: int = 50_000_000, **changes: Any) -> Deposit:
    """USDC that arrived at the marketplace's own wallet, with its entry in the books."""
    wallet = Wallet.objects.get(marketplace=market, kind=Wallet.Kind.PLATFORM)
    number = Deposit.objects.count()
    values: dict[str, Any] = {
        "marketplace": market,
        "network": "sandbox",
        "operation": str(1000 + number),
        "index": 0,
        "address": wallet.address,
        "holder": Deposit.Holder.WALLET,
        "asset_code": "USDC",
        "asset_issuer": SENDER,
        "amount": amount,
        "status": Deposit.Status.SUSPENSE,
        "reason": Deposit.Reason.OWN_WALLET,
        "sender": SENDER,
        "tx_hash": f"{number:064x}",
        "ledger": 9,
        "closed_at": timezone.now(),
    }
    made = Deposit.objects.create(**values | changes)
    movements.deposit_to_suspense(
        marketplace_id=market.id,
        address=made.address,
        asset="USDC",
        amount=made.amount,
        source=made.source,
        fact=fact(made.tx_hash, 9),
        actor=ACTOR,
        reason=made.reason,
        holder="platform",
    )
    return made

"""Which balances books and chain both know: of every wallet and every contract."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from ledger.chart import AccountKind
from ledger.models import Account
from offerhub.users.models import Wallet
from orders.models import Escrow
from orders.services import ASSET

M = TypeVar("M", bound=Model)
XLM = "XLM"
MIRRORED = (AccountKind.WALLET, AccountKind.PLATFORM, AccountKind.CONTRACT, AccountKind.XLM)
BATCH = 60  # wallets or contracts of one look: with XLM and USDC one request to the network


@dataclass(frozen=True, order=True)
class Target:
    """An account of the books that mirrors what an address holds. `external`: its party keeps the
    key, and what it has beyond what we know of is its own affair."""

    marketplace_id: str
    kind: str
    owner: str
    asset: str
    external: bool = False

    def __str__(self) -> str:
        return f"{self.kind}:{self.owner} {self.asset}"


def batch(after: str, marketplace_id: str = "", size: int = BATCH) -> tuple[list[Target], str]:
    """The next wallets, then the next contracts, and where to go on: "" when that was all.

    `after` is "" at the beginning, else "wallet:{id}" or "contract:{id}" as it was answered.
    """
    kind, _, last = (after or "wallet:").partition(":")
    if kind == "wallet":
        wallets = list(_of(Wallet.objects.all(), marketplace_id, last)[:size])
        if wallets:
            return of_wallets(wallets), f"wallet:{wallets[-1].pk}"
        last = ""
    contracts = Escrow.objects.exclude(contract_id="")
    escrows = list(_of(contracts, marketplace_id, last)[:size])
    return of_contracts(escrows), f"contract:{escrows[-1].pk}" if len(escrows) == size else ""


def _of(rows: "QuerySet[M]", marketplace_id: str, after: str) -> "QuerySet[M]":
    named = Q(marketplace=marketplace_id) if marketplace_id else Q()
    return rows.filter(named, pk__gt=after).order_by("pk")


def is_known(marketplace_id: str, address: str) -> bool:
    """Whether this marketplace has such a wallet or contract."""
    return (
        Wallet.objects.filter(marketplace=marketplace_id, address=address).exists()
        or Escrow.objects.filter(marketplace=marketplace_id, contract_id=address).exists()
    )


def of_address(marketplace_id: str, address: str) -> list[Target]:
    """The balances of one wallet or contract of this marketplace; none when it has no such."""
    wallets = Wallet.objects.filter(marketplace=marketplace_id, address=address)
    escrows = Escrow.objects.filter(marketplace=marketplace_id, contract_id=address)
    return of_wallets(list(wallets)) + of_contracts(list(escrows))


def of_wallets(wallets: Sequence[Wallet]) -> list[Target]:
    """USDC and fee money, and whatever else the books say that they hold."""
    found = set()
    for wallet in wallets:
        external = wallet.kind == Wallet.Kind.EXTERNAL
        kind = "platform" if wallet.kind == Wallet.Kind.PLATFORM else "wallet"
        market = wallet.marketplace_id
        found.add(Target(market, kind, wallet.address, ASSET, external))
        if not external:
            found.add(Target(market, "xlm", wallet.address, XLM))
    return sorted(found | _booked([wallet.address for wallet in wallets], found))


def of_contracts(escrows: Sequence[Escrow]) -> list[Target]:
    """USDC, and whatever else strangers sent there."""
    found = {Target(row.marketplace_id, "contract", row.contract_id, ASSET) for row in escrows}
    return sorted(found | _booked([row.contract_id for row in escrows], found))


def _booked(addresses: Sequence[str], known: set[Target]) -> set[Target]:
    """Accounts of these addresses that the books have beside. One statement."""
    rows = Account.objects.filter(owner__in=addresses, kind__in=MIRRORED)
    named = {(each.marketplace_id, each.kind, each.owner, each.asset) for each in known}
    outside = {each.owner for each in known if each.external}
    return {
        Target(*row, external=row[2] in outside)
        for row in rows.values_list("marketplace_id", "kind", "owner", "asset")
        if row not in named
    }

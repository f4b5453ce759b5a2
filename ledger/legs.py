"""The sides of an entry, and the words to write them with."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.chart import AccountKind as K
from ledger.chart import account_name
from ledger.errors import Unbalanced
from offerhub.chain.types import ChainFact

XLM = "XLM"


@dataclass(frozen=True)
class Leg:
    """One side of an entry: an account by its identity, and stroops (debit > 0, credit < 0).

    `user_id` says whose money it is, for available, reserved, escrow and pending accounts.
    """

    kind: K
    owner: str
    asset: str
    amount: int
    user_id: str | None = None

    def __str__(self) -> str:
        return f"{account_name(self.kind, self.owner)} {self.amount} {self.asset}"


def debit(kind: K, owner: str, amount: int, asset: str, user_id: str | None = None) -> Leg:
    """A leg that makes assets and expenses grow, and debts, earnings and capital shrink."""
    return Leg(kind, owner, asset, amount, user_id)


def credit(kind: K, owner: str, amount: int, asset: str, user_id: str | None = None) -> Leg:
    """A leg that makes debts, earnings and capital grow, and assets and expenses shrink."""
    return Leg(kind, owner, asset, -amount, user_id)


def fee_legs(fact: ChainFact, fee_address: str) -> list[Leg]:
    """The network's charge for a transaction, when a wallet of ours paid it."""
    if not fee_address or not fact.fee_charged:
        return []
    return [
        debit(K.NETWORK_FEE, "", fact.fee_charged, XLM),
        credit(K.XLM, fee_address, fact.fee_charged, XLM),
    ]


@dataclass(frozen=True)
class Payout:
    """What a settlement paid to one party's wallet, in stroops.

    `held` is false for a party that holds the key of that wallet: the money is outside then.
    """

    user_id: str
    address: str
    amount: int
    held: bool = True


def payout_legs(payouts: Sequence[Payout], asset: str) -> list[Leg]:
    """We hold what reached our wallets, and owe it to the parties. What reached a wallet whose key
    a party holds left the books: we can not move it, so we hold nothing and owe nothing."""
    kept = [payout for payout in payouts if payout.held]
    return [
        *(debit(K.WALLET, p.address, p.amount, asset) for p in kept),
        *(credit(K.AVAILABLE, p.user_id, p.amount, asset, p.user_id) for p in kept),
    ]


def assert_adds_up(
    source: str, gross: int, payouts: Sequence[Payout], platform_fee: int, protocol_fee: int
) -> None:
    """Raise Unbalanced unless gross = payouts + platform fee + protocol fee, none below zero."""
    parts = [*(payout.amount for payout in payouts), platform_fee, protocol_fee]
    if sum(parts) != gross or min(parts) < 0:
        raise Unbalanced(f"{source}: {gross} left the contract, but {parts} arrived")

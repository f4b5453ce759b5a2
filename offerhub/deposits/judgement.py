"""Whose a movement on the chain is. Decided by addresses and asset alone.

Nothing here asks what our books have confirmed so far: the monitor may be ahead of the
confirmation of our own transaction or behind it, and must come to the same answer.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from offerhub.chain.events import Seen
from offerhub.chain.types import Transfer
from offerhub.core.money import MAX_AMOUNT
from offerhub.deposits.models import Deposit

XLM = ("XLM", "")

Asset = tuple[str, str]  # code and issuer
_Status, _Reason = Deposit.Status, Deposit.Reason


class Role(StrEnum):
    """What an address of ours is; for wallets, the names of `Wallet.Kind`."""

    MANAGED = "MANAGED"  # a user's, we keep the key
    EXTERNAL = "EXTERNAL"  # a user's, who keeps the key
    PLATFORM = "PLATFORM"
    RESOLVER = "RESOLVER"
    CHANNEL = "CHANNEL"
    CONTRACT = "CONTRACT"


@dataclass(frozen=True)
class Owner:
    """Who holds an address."""

    marketplace_id: str
    role: Role
    user_id: str | None = None


@dataclass(frozen=True)
class Verdict:
    """That a movement is to be booked, and how."""

    status: str
    reason: str


def judge(
    seen: Seen, owners: Mapping[str, Owner], usdc: Asset, fundings: Container[str] = ()
) -> Verdict | None:
    """What to do with a movement; None when it is no deposit at all.

    `fundings` are hashes of envelopes that we handed to parties with their own keys.
    """
    transfer = seen.transfer
    to, sender = owners.get(transfer.recipient), owners.get(transfer.sender)
    if to is None or to.role == Role.EXTERNAL:
        return None  # what a party holds in its own wallet is its own affair: we can not move it
    if is_by_a_party(sender, to):
        if seen.hash in fundings:
            return None
    elif _is_ours(sender, to):
        return None
    asset = asset_of(transfer)
    if asset == usdc:
        return _usdc(to, transfer)
    if asset == XLM:
        if to.role == Role.PLATFORM:
            return Verdict(_Status.CREDITED, _Reason.PLATFORM_CAPITAL)
        return Verdict(_Status.SUSPENSE, _Reason.NATIVE_ASSET)
    same_name = transfer.asset_code == usdc[0]
    return Verdict(_Status.SUSPENSE, _Reason.WRONG_ISSUER if same_name else _Reason.WRONG_ASSET)


def asset_of(transfer: Transfer) -> Asset:
    """Code and issuer of what moved."""
    return transfer.asset_code, transfer.asset_issuer


def _usdc(to: Owner, transfer: Transfer) -> Verdict:
    """A memo or muxed id does not matter at a user's wallet: the wallet itself is the user's, and
    since protocol 23 the memo that an exchange adds looks just like a muxed id."""
    if to.role == Role.CONTRACT:
        return Verdict(_Status.SUSPENSE, _Reason.CONTRACT_DUST)
    if to.user_id is not None:
        return Verdict(_Status.CREDITED, _Reason.NONE)
    muxed = bool(transfer.recipient_muxed_id)
    return Verdict(_Status.SUSPENSE, _Reason.UNKNOWN_MUXED if muxed else _Reason.OWN_WALLET)


def _is_ours(sender: Owner | None, to: Owner) -> bool:
    """Whether the movement is one of our own, which somebody else in the house books.

    Out of a contract: a settlement. Out of a wallet whose key we keep: a withdrawal, a funding or
    fee money. What a party with its own key sends is its own doing, and so is everything that comes
    from another marketplace.
    """
    if sender is None or sender.marketplace_id != to.marketplace_id:
        return False
    return sender.role != Role.EXTERNAL


def is_by_a_party(sender: Owner | None, to: Owner | None) -> bool:
    """Whether a party with its own key paid into a contract: ours when we handed it that very
    transaction, else what it sent of its own accord."""
    return (
        sender is not None
        and to is not None
        and (sender.role, to.role) == (Role.EXTERNAL, Role.CONTRACT)
    )


def is_bookable(transfer: Transfer) -> bool:
    """Whether the books can hold the amount: tokens can move nothing, and more than there is."""
    return 0 < transfer.amount <= MAX_AMOUNT


def numbered(movements: Iterable[Seen]) -> Iterator[tuple[int, Seen]]:
    """Each movement of something with its number among those of its operation that brought the
    same asset to the same address, from 0.

    Events and Horizon's records tell an operation's movements in the same order, but not the same
    set of them: a path payment's trades are events only. Counted like this a movement has the
    same number wherever it was read, so what comes from both is booked once. The movements of one
    operation must come together, which pages keep.
    """
    operation, counts = "", dict[tuple[str, Asset], int]()
    for seen in movements:
        transfer = seen.transfer
        if transfer.amount <= 0:
            continue
        if transfer.operation != operation:
            operation, counts = transfer.operation, {}
        kind = (transfer.recipient, asset_of(transfer))
        index = counts.get(kind, 0)
        counts[kind] = index + 1
        yield index, seen

"""The accounting policy of money in suspense; a part of `movements`, where its rules are told."""

from typing import Literal

from ledger.chart import AccountKind as K
from ledger.kinds import EntryKind
from ledger.legs import XLM, credit, debit, fee_legs
from ledger.services import Posted, post
from offerhub.chain.types import ChainFact
from offerhub.core.actor import Actor

Holder = Literal["wallet", "contract", "platform"]


def deposit_to_suspense(
    *,
    marketplace_id: str,
    address: str,
    asset: str,
    amount: int,
    source: str,
    fact: ChainFact,
    actor: Actor,
    reason: str,
    holder: Holder = "wallet",
) -> Posted:
    """Money arrived that nobody can be credited for: another asset, dust in a contract.

    `holder` says what `address` is. XLM at a wallet is fee money, whoever sent it; assets other
    than the network's USDC are written "CODE:ISSUER".
    """
    kind = K.XLM if asset == XLM and holder != "contract" else K(holder)
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.SUSPENSE,
        source=source,
        legs=[debit(kind, address, amount, asset), credit(K.SUSPENSE, "", amount, asset)],
        fact=fact,
        description=reason,
        actor=actor,
    )


def suspense_assigned(
    *,
    marketplace_id: str,
    deposit_id: str,
    user_id: str,
    from_address: str,
    to_address: str,
    amount: int,
    asset: str,
    holder: Holder,
    fact: ChainFact,
    operation_id: str,
    fee_address: str,
    actor: Actor,
) -> Posted:
    """A person found whose it is, and it was paid on from the wallet that received it to the
    user's own: it is owed to the user, not to nobody."""
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.DEPOSIT,
        source=f"suspense:{deposit_id}:assign",
        legs=[
            debit(K.SUSPENSE, "", amount, asset),
            credit(K.AVAILABLE, user_id, amount, asset, user_id),
            debit(K.WALLET, to_address, amount, asset),
            credit(K(holder), from_address, amount, asset),
            *fee_legs(fact, fee_address),
        ],
        fact=fact,
        operation_id=operation_id,
        actor=actor,
    )


def suspense_returned(
    *,
    marketplace_id: str,
    deposit_id: str,
    from_address: str,
    amount: int,
    asset: str,
    holder: Holder,
    fact: ChainFact,
    operation_id: str,
    fee_address: str,
    actor: Actor,
) -> Posted:
    """It was paid back to its sender: we hold it no longer and owe it to nobody."""
    kind = K.XLM if asset == XLM else K(holder)
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.SUSPENSE,
        source=f"suspense:{deposit_id}:return",
        legs=[
            debit(K.SUSPENSE, "", amount, asset),
            credit(kind, from_address, amount, asset),
            *fee_legs(fact, fee_address),
        ],
        fact=fact,
        operation_id=operation_id,
        actor=actor,
    )

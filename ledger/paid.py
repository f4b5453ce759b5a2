"""The accounting policy of many withdrawals paid at once; a part of `movements`, where its rules
are told."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.chart import AccountKind as K
from ledger.kinds import EntryKind
from ledger.legs import credit, debit, fee_legs
from ledger.services import Draft, Posted, post_many
from offerhub.chain.types import ChainFact
from offerhub.core.actor import Actor


@dataclass(frozen=True)
class Paid:
    """A withdrawal that the user's wallet `address` paid out, in stroops."""

    user_id: str
    withdrawal_id: str
    address: str
    amount: int


def withdrawals_confirmed(
    *,
    marketplace_id: str,
    paid: Sequence[Paid],
    asset: str,
    fact: ChainFact,
    operation_id: str,
    fee_address: str,
    actor: Actor,
) -> list[Posted]:
    """One transaction paid many withdrawals out of their users' wallets: for each the entry of
    `withdrawal_confirmed`, and one entry for what the network charged the account that bore it."""
    drafts = [
        Draft(
            marketplace_id=marketplace_id,
            kind=EntryKind.WITHDRAWAL_CONFIRMED,
            source=f"withdrawal:{each.withdrawal_id}:confirm",
            legs=[
                debit(K.PENDING, each.withdrawal_id, each.amount, asset, each.user_id),
                credit(K.WALLET, each.address, each.amount, asset),
            ],
            fact=fact,
            operation_id=operation_id,
            actor=actor,
        )
        for each in paid
    ]
    if fees := fee_legs(fact, fee_address):
        drafts.append(
            Draft(
                marketplace_id=marketplace_id,
                kind=EntryKind.NETWORK_FEE,
                source=f"fee:{fact.hash}",
                legs=fees,
                fact=fact,
                operation_id=operation_id,
                actor=actor,
            )
        )
    return post_many(drafts)

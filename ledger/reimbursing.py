"""The accounting policy of refunds that the marketplace makes whole; a part of `movements`, where
its rules are told."""

from ledger.chart import AccountKind as K
from ledger.kinds import EntryKind
from ledger.legs import Payout, assert_adds_up, credit, debit, fee_legs, payout_legs
from ledger.services import Posted, post
from offerhub.chain.types import ChainFact
from offerhub.core.actor import Actor


def refund_fees_reimbursed(
    *,
    marketplace_id: str,
    order_id: str,
    milestone_id: str,
    payout: Payout,
    platform_address: str,
    platform_fee: int,
    protocol_fee: int,
    asset: str,
    fact: ChainFact,
    operation_id: str,
    fee_address: str,
    actor: Actor,
) -> Posted:
    """The platform wallet paid the buyer what the contract took of their refund.

    The marketplace's own part p was earned with the refund and is earned no longer; the escrow
    provider's part t, which the buyer bore until now, is the marketplace's expense.

    Raises Unbalanced when the payment is not p + t.
    """
    source = f"order:{order_id}:reimbursement:{milestone_id}"
    assert_adds_up(source, payout.amount, [], platform_fee, protocol_fee)
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.REFUND,
        source=source,
        legs=[
            debit(K.PLATFORM_FEE, "", platform_fee, asset),
            debit(K.PROTOCOL_FEE, "", protocol_fee, asset),
            credit(K.PLATFORM, platform_address, payout.amount, asset),
            *payout_legs([payout], asset),
            *fee_legs(fact, fee_address),
        ],
        fact=fact,
        operation_id=operation_id,
        meta={"platformFee": platform_fee, "protocolFee": protocol_fee},
        actor=actor,
    )

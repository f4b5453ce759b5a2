"""What a resolution will do, before it is done: the function that posts, run dry.

The contract's live balance is read here, so nothing may be called inside a transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from disputes.models import Dispute
from ledger.legs import Leg
from ledger.movements import settlement_legs
from offerhub.chain import trustless_work
from offerhub.chain.holdings import contract_balance
from orders.models import Escrow, Milestone
from orders.plans import Share
from orders.services import ASSET
from orders.settlement import Paid, expected


@dataclass(frozen=True)
class Part:
    """One milestone: what the contract will pay for it, and the lines it will post."""

    milestone: Milestone
    share: Share
    paid: Paid
    legs: list[Leg]


@dataclass(frozen=True)
class Preview:
    """All of it. `surplus` is what strangers sent into the contract, in stroops; it goes to the
    one who gets everything, and in a split to the buyer."""

    parts: list[Part]
    surplus: int
    held: int

    @property
    def seller(self) -> int:
        """What will reach the seller's wallet."""
        return sum(part.paid.seller for part in self.parts)

    @property
    def buyer(self) -> int:
        """What will reach the buyer's wallet."""
        return sum(part.paid.buyer for part in self.parts)

    @property
    def platform(self) -> int:
        """The marketplace's own fee."""
        return sum(part.paid.platform for part in self.parts)

    @property
    def protocol(self) -> int:
        """The escrow provider's fee."""
        return sum(part.paid.protocol for part in self.parts)

    @property
    def gross(self) -> int:
        """All that will leave the contract."""
        return sum(part.paid.gross for part in self.parts)

    @property
    def legs(self) -> list[Leg]:
        """Every line that will be posted, but for the network's charge."""
        return [leg for part in self.parts for leg in part.legs if leg.amount]


def preview(dispute: Dispute, shares: Sequence[Share]) -> Preview:
    """Of a dispute read with `for_display()`. Raises ChainUnavailable when the balance can not be
    read."""
    escrow = dispute.order.escrow
    held = contract_balance(escrow.contract_id)
    surplus = held - escrow.balance
    protocol_bps = trustless_work.protocol_fee_bps()
    rows = {row.milestone_id: row.milestone for row in dispute.milestones.all()}
    parts = []
    for share in shares:
        milestone = rows[share.milestone_id]
        own = surplus if escrow.kind == Escrow.Kind.SINGLE else 0
        parts.append(_part(dispute, milestone, share, own, protocol_bps))
    return Preview(parts, surplus, held)


def _part(
    dispute: Dispute, milestone: Milestone, share: Share, surplus: int, protocol_bps: int
) -> Part:
    order, escrow = dispute.order, dispute.order.escrow
    fees = (order.platform_fee_percent, protocol_bps)
    gross = {escrow.seller_address: share.to_seller, escrow.buyer_address: share.to_buyer}
    dust_to = escrow.buyer_address if share.to_buyer else escrow.seller_address
    if surplus and share.to_seller and share.to_buyer:
        # It leaves in a call of its own, before the money is divided.
        paid = expected(escrow, *fees, gross) + expected(escrow, *fees, {dust_to: surplus})
    else:
        gross[dust_to] += surplus
        paid = expected(escrow, *fees, gross)
    legs = settlement_legs(
        order_id=order.id,
        user_id=order.buyer_id,
        contract=escrow.contract_id,
        asset=ASSET,
        gross=paid.gross,
        payouts=paid.payouts(order, escrow),
        platform_address=escrow.platform_address,
        platform_fee=paid.platform,
        surplus=surplus,
    )
    return Part(milestone, share, paid, legs)

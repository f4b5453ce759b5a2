"""Reading what a contract paid out of the chain's own record of it. Never from what we asked."""

from dataclasses import dataclass

from ledger.movements import Payout
from offerhub.chain.types import ChainFact
from orders.models import Escrow, Order


@dataclass(frozen=True)
class Paid:
    """The contract's payments in one transaction, in stroops. `protocol` went to the network's
    escrow provider; `gross` is all that left the contract."""

    seller: int
    buyer: int
    platform: int
    protocol: int

    @property
    def gross(self) -> int:
        return self.seller + self.buyer + self.platform + self.protocol

    def payouts(self, order: Order, escrow: Escrow) -> list[Payout]:
        """What each party's wallet received."""
        pairs = [
            (order.seller_id, escrow.seller_address, self.seller),
            (order.buyer_id, escrow.buyer_address, self.buyer),
        ]
        return [Payout(user_id=u, address=a, amount=n) for u, a, n in pairs if n]


def read_payout(escrow: Escrow, fact: ChainFact) -> Paid:
    """Sum the transfers out of this contract by who received them."""
    received: dict[str, int] = {}
    for transfer in fact.transfers:
        if transfer.sender == escrow.contract_id:
            received[transfer.recipient] = received.get(transfer.recipient, 0) + transfer.amount
    return Paid(
        seller=received.pop(escrow.seller_address, 0),
        buyer=received.pop(escrow.buyer_address, 0),
        platform=received.pop(escrow.platform_address, 0),
        protocol=sum(received.values()),
    )

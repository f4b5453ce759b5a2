"""Reading what a contract paid out of the chain's own record of it, and booking it.

Never what we asked for: the contract takes fees, and rounds.
"""

from dataclasses import dataclass
from typing import Literal

from ledger import movements
from ledger.movements import Payout
from offerhub.chain.types import ChainFact
from offerhub.core.actor import system
from orders.models import Escrow, EscrowOperation, Milestone, Order
from orders.services import ASSET

Kind = Literal["release", "refund", "split"]


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


def settle(operation: EscrowOperation, milestone: Milestone, kind: Kind, fact: ChainFact) -> None:
    """Book what the contract paid for one milestone, and end the order with its last one."""
    order, escrow = operation.order, operation.order.escrow
    paid = read_payout(escrow, fact)
    surplus = paid.gross - milestone.amount
    milestone.paid_seller, milestone.paid_buyer = paid.seller, paid.buyer
    milestone.fee_platform, milestone.fee_protocol = paid.platform, paid.protocol
    milestone.save()
    escrow.released += milestone.amount if kind == "release" else 0
    escrow.refunded += milestone.amount if kind == "refund" else 0
    order.milestones_left -= 1
    order.milestones_released += 1 if kind == "release" else 0
    if order.milestones_left == 0:
        order.complete() if order.milestones_released else order.refund()
        escrow.close()
    escrow.save(update_fields=["released", "refunded", "status"])
    movements.settlement(
        marketplace_id=order.marketplace_id,
        order_id=order.id,
        user_id=order.buyer_id,
        contract=escrow.contract_id,
        asset=ASSET,
        source=f"order:{order.id}:{kind}:{milestone.id}",
        gross=paid.gross,
        payouts=paid.payouts(order, escrow),
        platform_address=escrow.platform_address,
        platform_fee=paid.platform,
        protocol_fee=paid.protocol,
        surplus=surplus,
        kind=kind,
        fact=fact,
        operation_id=operation.id,
        fee_address=fact.fee_account,
        actor=system("chain"),
    )

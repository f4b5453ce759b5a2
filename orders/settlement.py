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
from orders.states import MilestoneStatus, OrderStatus

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

    def __add__(self, other: "Paid") -> "Paid":
        return Paid(
            self.seller + other.seller,
            self.buyer + other.buyer,
            self.platform + other.platform,
            self.protocol + other.protocol,
        )

    def payouts(self, order: Order, escrow: Escrow) -> list[Payout]:
        """What each party's wallet received; what reached a party's own is not held by us."""
        payouts = [
            Payout(order.seller_id, escrow.seller_address, self.seller, not order.seller_external),
            Payout(order.buyer_id, escrow.buyer_address, self.buyer, not order.buyer_external),
        ]
        return [payout for payout in payouts if payout.amount]


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


def settle(
    operation: EscrowOperation,
    milestone: Milestone,
    to_seller: int,
    to_buyer: int,
    fact: ChainFact,
) -> None:
    """Book what the contract paid for one milestone, and end the order with its last one.

    The shares, in stroops before fees, are what was asked for; what is booked is what was paid.
    Order, escrow and milestone have changed; the caller writes them.
    """
    order, escrow = operation.order, operation.order.escrow
    paid = read_payout(escrow, fact)
    milestone.paid_seller, milestone.paid_buyer = paid.seller, paid.buyer
    milestone.fee_platform, milestone.fee_protocol = paid.platform, paid.protocol
    escrow.released += to_seller
    escrow.refunded += to_buyer
    order.milestones_left -= 1
    order.milestones_released += 1 if to_seller else 0
    _next_state(order, escrow, milestone)
    kind = kind_of(to_seller, to_buyer)
    source = f"order:{order.id}:{kind}:{milestone.id}"
    _book(operation, paid, paid.gross - milestone.amount, kind, source, fact)


def kind_of(to_seller: int, to_buyer: int) -> Kind:
    """What a division is called."""
    if to_seller and to_buyer:
        return "split"
    return "release" if to_seller else "refund"


def _next_state(order: Order, escrow: Escrow, milestone: Milestone) -> None:
    if order.milestones_left == 0:
        order.complete() if order.milestones_released else order.refund()
        escrow.close()
    elif order.status == OrderStatus.DISPUTED:
        others = order.milestones.exclude(pk=milestone.pk)
        if not others.filter(status=MilestoneStatus.DISPUTED).exists():
            order.resume()


def settle_surplus(operation: EscrowOperation, fact: ChainFact) -> None:
    """Book what left a contract that was a stranger's: nothing of the order's own money moved."""
    paid = read_payout(operation.order.escrow, fact)
    source = f"order:{operation.order_id}:surplus:{operation.id}"
    _book(operation, paid, paid.gross, "refund", source, fact)


def _book(
    operation: EscrowOperation, paid: Paid, surplus: int, kind: Kind, source: str, fact: ChainFact
) -> None:
    order, escrow = operation.order, operation.order.escrow
    movements.settlement(
        marketplace_id=order.marketplace_id,
        order_id=order.id,
        user_id=order.buyer_id,
        contract=escrow.contract_id,
        asset=ASSET,
        source=source,
        gross=paid.gross,
        payouts=paid.payouts(order, escrow),
        platform_address=escrow.platform_address,
        platform_fee=paid.platform,
        protocol_fee=paid.protocol,
        surplus=surplus,
        kind=kind,
        fact=fact,
        operation_id=operation.id,
        fee_address=operation.fee_address(fact),
        actor=system("chain"),
    )


def expected(escrow: Escrow, fee_percent: int, protocol_bps: int, shares: dict[str, int]) -> Paid:
    """What the contract will pay for these gross shares (address → stroops): its own arithmetic,
    each part floored, fees first. For showing; what is booked is read from the chain."""
    protocol, platform, net = _division(list(shares.values()), fee_percent, protocol_bps)
    paid = dict(zip(shares, net, strict=True))
    return Paid(
        seller=paid.get(escrow.seller_address, 0),
        buyer=paid.get(escrow.buyer_address, 0),
        platform=platform,
        protocol=protocol,
    )


def expected_release(amount: int, fee_percent: int, protocol_bps: int) -> Paid:
    """The same for a milestone that is paid to its seller, before there is a contract."""
    protocol, platform, (net,) = _division([amount], fee_percent, protocol_bps)
    return Paid(seller=net, buyer=0, platform=platform, protocol=protocol)


def _division(shares: list[int], fee_percent: int, protocol_bps: int) -> tuple[int, int, list[int]]:
    """Protocol fee, platform fee, and what is left of each share."""
    total = sum(shares)
    protocol, platform = total * protocol_bps // 10_000, total * fee_percent // 100
    net = [share - share * (protocol + platform) // total for share in shares]
    return protocol, platform, net

"""What cancelling would do, before it is done: the function that does it, and what the contract
takes of each share by its own arithmetic."""

from typing import Any

from offerhub.chain import trustless_work
from offerhub.core import clock
from offerhub.core.money import format_amount
from offerhub.subscriptions.cancellation import Ending, Fate, When, endings
from offerhub.subscriptions.models import Subscription, running
from orders.settlement import Paid, expected


def cancellation_body(row: Subscription, when: When) -> dict[str, Any]:
    """Of a subscription that was read with `for_display()`. No transaction may be open."""
    now = clock.now()
    found = endings(row.now_cycles, now, when)
    bps = trustless_work.protocol_fee_bps()
    current = running(row.now_cycles, now)
    return {
        "subscriptionId": row.pk,
        "when": when,
        "asOf": now,
        "endsAt": current.ends_at if current and when == When.PERIOD_END else None,
        "cycles": [_ending(ending, bps) for ending in found],
    }


def _ending(ending: Ending, bps: int) -> dict[str, Any]:
    cycle, paid = ending.cycle, _paid(ending, bps)
    return {
        "index": cycle.index,
        "orderId": cycle.order_id,
        "fate": ending.fate,
        "amount": format_amount(cycle.amount),
        "shares": _pair(ending.to_seller, ending.to_buyer),
        "fees": {
            "platform": format_amount(paid.platform),
            "protocol": format_amount(paid.protocol),
        },
        "net": _pair(paid.seller, paid.buyer),
        "elapsedSeconds": int(ending.elapsed.total_seconds()),
        "lengthSeconds": int((cycle.ends_at - cycle.starts_at).total_seconds()),
    }


def _paid(ending: Ending, bps: int) -> Paid:
    """What will reach each; all of it the buyer's where the money is not in a contract yet."""
    order = ending.cycle.order
    if order is None or ending.fate == Fate.DROPPED:
        return Paid(seller=0, buyer=0, platform=0, protocol=0)
    escrow = order.escrow
    shares = {
        escrow.seller_address: ending.to_seller,
        escrow.buyer_address: ending.to_buyer,
    }
    return expected(escrow, order.platform_fee_percent, bps, shares)


def _pair(seller: int, buyer: int) -> dict[str, str]:
    return {"seller": format_amount(seller), "buyer": format_amount(buyer)}

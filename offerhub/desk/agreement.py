"""What the order, the ledger and the chain each say of an order's money, milestone by milestone."""

from dataclasses import dataclass, field
from datetime import datetime

from django.core.cache import cache

from ledger.balances import account_balance
from ledger.chart import AccountKind
from ledger.models import Entry
from offerhub.chain import trustless_work
from offerhub.chain.submission import LIVE
from offerhub.chain.types import ChainUnavailable
from offerhub.core import clock
from orders.models import EscrowOperation, Milestone, Order
from orders.services import ASSET

FRESH = 5.0  # seconds that a reading of the chain is shown again


@dataclass(frozen=True)
class Row:
    """One milestone; `agrees` is false when the three do not tell the same."""

    milestone: Milestone
    order: str
    ledger: str
    ledger_entry: Entry | None
    chain: str
    agrees: bool


@dataclass(frozen=True)
class Agreement:
    """All of it. Amounts in stroops; `chain_balance` is None when the chain could not be asked."""

    rows: list[Row]
    contract: str
    order_balance: int
    ledger_balance: int
    chain_balance: int | None
    surplus: int
    read_at: datetime | None
    problem: str = ""
    mismatches: int = field(default=0)


@dataclass(frozen=True)
class _Reading:
    flags: list[str]
    balance: int
    at: datetime


def agreement(order: Order) -> Agreement:
    """Four statements and one call to the network, which is remembered for a few seconds."""
    escrow = order.escrow
    milestones = list(order.milestones.all())
    entries = _entries(order, milestones)
    problem, reading = "", None
    try:
        reading = _read(order, len(milestones))
    except ChainUnavailable as error:
        problem = str(error)
    moving = EscrowOperation.objects.filter(order=order, status__in=LIVE).exists()
    rows = [_row(m, entries.get(m.pk), reading, moving) for m in milestones]
    held = account_balance(
        marketplace_id=order.marketplace_id,
        kind=AccountKind.ESCROW,
        owner=order.pk,
        asset=ASSET,
    )
    chain = reading.balance if reading else None
    return Agreement(
        rows=rows,
        contract=escrow.contract_id,
        order_balance=escrow.balance,
        ledger_balance=held,
        chain_balance=chain,
        surplus=max(chain - escrow.balance, 0) if chain is not None else 0,
        read_at=reading.at if reading else None,
        problem=problem,
        mismatches=sum(not row.agrees for row in rows),
    )


def _entries(order: Order, milestones: list[Milestone]) -> dict[str, Entry]:
    """The settlement of each milestone, by the source that it has for ever."""
    sources = {
        f"order:{order.pk}:{kind}:{milestone.pk}": milestone.pk
        for milestone in milestones
        for kind in ("release", "refund", "split")
    }
    found = Entry.objects.filter(marketplace=order.marketplace_id, source__in=list(sources))
    return {sources[entry.source]: entry for entry in found}


def _read(order: Order, count: int) -> _Reading:
    """Remembered for one version of the order: what was read before a change tells nothing."""
    contract = order.escrow.contract_id
    key = f"desk:contract:{contract}:{order.version}"
    known: _Reading | None = cache.get(key)
    if known is not None:
        return known
    states = trustless_work.escrows([contract])
    if not states or len(states[0].parts) != count:
        raise ChainUnavailable("The escrow provider does not know this contract")
    flags = [_flag(part) for part in states[0].parts]
    reading = _Reading(flags, states[0].balance, clock.now())
    cache.set(key, reading, FRESH)
    return reading


def _flag(part: trustless_work.EscrowPart) -> str:
    if part.released:
        return "released"
    if part.resolved:
        return "resolved"
    if part.disputed:
        return "disputed"
    return "approved" if part.approved else "in escrow"


# What the chain says of a milestone in each of our states; `resolved` is any division.
_MEANT = {
    "OPEN": {"in escrow"},
    "COMPLETED": {"in escrow"},
    "APPROVED": {"approved"},
    "RELEASING": {"approved", "released"},
    "DISPUTED": {"disputed"},
    "RELEASED": {"released", "resolved"},
    "REFUNDED": {"resolved"},
}
_SETTLED = ("RELEASED", "REFUNDED")


def _row(milestone: Milestone, entry: Entry | None, reading: _Reading | None, moving: bool) -> Row:
    """While a call is on its way the chain may be ahead of the books: that is no difference."""
    chain = reading.flags[milestone.position] if reading else "not read"
    ledger = {"release": "paid out", "refund": "paid back", "split": "divided"}
    says = ledger.get(entry.kind, entry.kind) if entry else "in escrow"
    agrees = (entry is not None) == (milestone.status in _SETTLED) and (
        reading is None or moving or chain in _MEANT[milestone.status]
    )
    return Row(milestone, milestone.status, says, entry, chain, agrees)

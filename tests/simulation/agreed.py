"""What was agreed: orders, withdrawals, and the calendars and campaigns that make and end orders.

Amounts are whole stroops, instants are seconds since 1970 by the network's clock. Of an answer that
was lost only the time between the first asking and the last is known.
"""

from collections import Counter
from dataclasses import dataclass, field

Paid = Counter[str]  # address → stroops
Span = tuple[float, float]  # earliest and latest instant at which something took effect
NEVER = float("inf")
SLACK = 10.0  # seconds by which a ledger's time may be before the instant that it follows
CENT = 100_000


@dataclass(frozen=True)
class Transfer:
    """One movement of USDC that the network shows. `source` is empty where it was issued."""

    hash: str
    source: str
    target: str
    amount: int
    at: float


@dataclass
class Aside:
    """USDC that a stranger set aside for a user to fetch, between two instants."""

    user: str
    amount: int
    maker: str  # the stranger's address
    opens: float = 0.0
    closes: float = NEVER
    wanted: float = NEVER  # when a person of the desk first asked for it, being little
    promised: bool = False  # and was told that it is on its way
    went: str = ""  # to whom, once the network shows it


@dataclass
class Milestone:
    """One part of an order, and what was agreed to be done with it: (to seller, to buyer), and
    from when on."""

    ref: str
    amount: int
    may: dict[tuple[int, int], float] = field(default_factory=dict)
    settled: tuple[int, int] | None = None

    def agree(self, to_seller: int, since: float = 0.0) -> None:
        """It may be paid out like this from that instant on."""
        shares = (to_seller, self.amount - to_seller)
        self.may[shares] = min(since, self.may.get(shares, NEVER))


@dataclass
class Order:
    """One order as its marketplace knows it from answers."""

    id: str
    buyer: str
    seller: str
    parts: list[Milestone]
    platform_bps: int = 0
    whole_refunds: bool = False  # the marketplace pays back what a contract took of a refund
    owner: str = ""  # the subscription or campaign that made it and ends it
    reserved: bool = False
    cancelled: bool = False
    contract: str = ""
    funded: int = 0
    dust: int = 0

    @property
    def amount(self) -> int:
        """All of it."""
        return sum(part.amount for part in self.parts)

    @property
    def left(self) -> int:
        """What is in escrow and meant for somebody."""
        return sum(p.amount for p in self.parts if p.settled is None) if self.funded else 0

    @property
    def over(self) -> bool:
        """Nothing of it is to come."""
        return self.cancelled or all(part.settled for part in self.parts)


@dataclass
class Withdrawal:
    """One that was accepted; paid from `since` on, never while a person must agree to it."""

    id: str
    user: str
    amount: int
    target: str
    since: float = 0.0
    ended: str = ""  # what the answers said at last


@dataclass(frozen=True)
class Cycle:
    """A period of a subscription that has an order."""

    index: int
    order: str
    amount: int
    starts: float
    ends: float
    to_seller: int | None  # what was decided at its end, before fees
    never_paid: bool  # its order was given up before the money was in its contract
    refunded: bool  # its money went back, whatever is done with the subscription

    @property
    def whole(self) -> bool:
        """Whether it runs, or ran, to its end."""
        return self.to_seller in (None, self.amount)


@dataclass
class Subscription:
    """A price for each period; what stops it gives back what has not begun."""

    id: str
    buyer: str
    seller: str
    unit: str
    prices: set[int]
    stops: list[Span] = field(default_factory=list)  # at the period's end, pauses too
    cuts: list[Span] = field(default_factory=list)  # at once: the running cycle is divided
    resumed: list[float] = field(default_factory=list)
    cycles: dict[int, Cycle] = field(default_factory=dict)

    def wrong(self, cycle: Cycle) -> str:
        """What is wrong with a cycle that the answers show, or nothing."""
        before = self.cycles.get(cycle.index)
        if before is not None and before.order != cycle.order:
            return "has two orders"
        if cycle.amount not in self.prices:
            return f"costs {cycle.amount}"
        days = (cycle.ends - cycle.starts) / 86_400
        if days != 7 if self.unit == "week" else not 27.9 <= days <= 31.1:
            return f"lasts {days} days"
        if cycle.whole and not cycle.refunded and self._over(cycle):
            return "began after it was stopped"
        others = [c for c in self.cycles.values() if c.index != cycle.index and c.whole]
        if cycle.whole and any(c.starts < cycle.ends and cycle.starts < c.ends for c in others):
            return "overlaps with another"
        if not cycle.whole and not cycle.never_paid and not self._explains(cycle):
            return f"gives the seller {cycle.to_seller} of {cycle.amount}"
        return ""

    def _over(self, cycle: Cycle) -> bool:
        """Whether it was stopped before a cycle began, and not resumed."""
        ends = [b for _, b in self.stops + self.cuts if b < cycle.starts]
        return bool(ends) and not any(at >= max(ends) for at in self.resumed)

    @property
    def stopped(self) -> float:
        """When it was asked to end for the first time."""
        return min((a for a, _ in self.stops + self.cuts), default=NEVER)

    def _explains(self, cycle: Cycle) -> bool:
        """Whether it was stopped before it began, or cut after such a time."""
        assert cycle.to_seller is not None
        if cycle.to_seller == 0 and self.stopped <= cycle.starts:
            return True
        return any(
            self._earned(cycle, a) <= cycle.to_seller <= self._earned(cycle, b)
            for a, b in self.cuts
        )

    @staticmethod
    def _earned(cycle: Cycle, at: float) -> int:
        """The seller's share of a cycle that ends at this instant, rounded down to the cent."""
        gone = round((min(max(at, cycle.starts), cycle.ends) - cycle.starts) * 1_000_000)
        whole = round((cycle.ends - cycle.starts) * 1_000_000)
        return cycle.amount * gone // whole // CENT * CENT


@dataclass
class Campaign:
    """All or nothing, by what is pledged at its end."""

    id: str
    creator: str
    goal: int
    deadline: float
    at_goal: bool  # settled as soon as the goal is met
    pledges: dict[str, int] = field(default_factory=dict)  # order → amount
    asked_back: set[str] = field(default_factory=set)  # and accepted; whether in time it says
    settled: list[Span] = field(default_factory=list)  # calls that asked for the end
    cancelled: list[Span] = field(default_factory=list)
    outcome: str = ""

    def end(self, outcome: str, withdrawn: set[str], disputed: set[str]) -> str:
        """Take note of the outcome that the answers tell; what is wrong with it, or nothing.

        A pledge in dispute when the campaign was settled counted, whatever became of it."""
        self.outcome = outcome
        counted = self.pledges.keys() - withdrawn
        least = sum(self.pledges[one] for one in counted - disputed)
        most = sum(self.pledges[one] for one in counted | (withdrawn & disputed))
        if withdrawn - self.asked_back - disputed:
            return "lost a pledge that nobody asked back"
        if outcome == "SUCCEEDED" and most < self.goal:
            return f"succeeded with {most} of {self.goal}"
        if outcome == "FAILED" and least >= self.goal:
            return f"failed with {least} of {self.goal}"
        if outcome == "CANCELLED" and not self.cancelled:
            return "was called off by nobody"
        return ""

    @property
    def since(self) -> float:
        """Before this instant no pledge may be paid out by the campaign."""
        calls = self.cancelled if self.outcome == "CANCELLED" else self.settled
        first = min((a for a, _ in calls), default=NEVER)
        if self.outcome == "CANCELLED":
            return first
        return 0.0 if self.at_goal and self.outcome == "SUCCEEDED" else min(first, self.deadline)

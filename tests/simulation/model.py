"""What must be true of everybody's money, worked out without the product.

It knows two things: the answers that the marketplace's server was given, and the payments that the
network shows. From those it predicts every balance and explains every payment, to the stroop. It
imports nothing of the product (a test proves it). Amounts are whole stroops.
"""

from collections import Counter
from dataclasses import dataclass, field

WHOLE = 10_000  # fees are in hundredths of a percent
Paid = dict[str, int]  # address → stroops


@dataclass(frozen=True)
class Transfer:
    """One movement of USDC that the network shows. `source` is empty where it was issued."""

    hash: str
    source: str
    target: str
    amount: int


@dataclass
class Milestone:
    """One part of an order, and what was agreed to be done with it: (to seller, to buyer)."""

    ref: str
    amount: int
    may: set[tuple[int, int]] = field(default_factory=set)
    settled: tuple[int, int] | None = None


@dataclass
class Order:
    """One order as its marketplace knows it from answers."""

    id: str
    buyer: str
    seller: str
    parts: list[Milestone]
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


@dataclass
class Withdrawal:
    """One that was accepted."""

    id: str
    user: str
    amount: int
    target: str
    ended: str = ""  # what the answers said at last


@dataclass(frozen=True)
class Balance:
    """A user's four sums."""

    available: int
    reserved: int
    in_escrow: int
    pending: int


class Model:
    """Fed with answers and payments; asked for balances and for what it can not explain."""

    def __init__(self, platform: str, vendor: str, platform_bps: int, vendor_bps: int) -> None:
        self.platform, self.vendor = platform, vendor
        self.platform_bps, self.vendor_bps = platform_bps, vendor_bps
        self.wallets: dict[str, str] = {}  # user → address
        self.orders: dict[str, Order] = {}
        self.withdrawals: dict[str, Withdrawal] = {}
        # Payments out of wallets, by wallet, target and amount: equal ones are interchangeable.
        self.paid: Counter[tuple[str, str, int]] = Counter()
        self.held: Counter[str] = Counter()  # address → stroops, by the payments seen
        self.problems: list[str] = []

    # --- answers ------------------------------------------------------------------------------
    def user(self, user: str, address: str) -> None:
        """A user was made."""
        self.wallets[user] = address

    def order(self, order: str, buyer: str, seller: str, parts: dict[str, int]) -> None:
        """An order was made; the same answer twice is one order."""
        rows = [Milestone(ref, amount) for ref, amount in parts.items()]
        self.orders.setdefault(order, Order(order, buyer, seller, rows))

    def reserved(self, order: str) -> None:
        """Its money was set aside."""
        self.orders[order].reserved = True

    def cancelled(self, order: str) -> None:
        """It will not happen."""
        self.orders[order].cancelled = True

    def escrow(self, order: str, contract: str) -> None:
        """Its contract is known."""
        self.orders[order].contract = contract

    def agreed(self, order: str, ref: str, to_seller: int) -> None:
        """It was accepted that a milestone is paid out like this, and the rest to the buyer."""
        part = next(p for p in self.orders[order].parts if p.ref == ref)
        part.may.add((to_seller, part.amount - to_seller))

    def withdrawal(self, withdrawal: str, user: str, amount: int, target: str) -> None:
        """A withdrawal was accepted."""
        row = Withdrawal(withdrawal, user, amount, target)
        self.withdrawals.setdefault(withdrawal, row)

    # --- payments -----------------------------------------------------------------------------
    def see(self, transfers: list[Transfer]) -> None:
        """What the network shows since the last time, in its order."""
        by_hash: dict[str, list[Transfer]] = {}
        for one in transfers:
            by_hash.setdefault(one.hash, []).append(one)
            self.held[one.source] -= one.amount
            self.held[one.target] += one.amount
        contracts = {o.contract: o for o in self.orders.values() if o.contract}
        for movements in by_hash.values():
            self._explain(movements, contracts)

    def _explain(self, movements: list[Transfer], contracts: dict[str, Order]) -> None:
        first = movements[0]
        if first.source in contracts:
            self._paid_out(contracts[first.source], movements)
        elif first.target in contracts:
            self._paid_in(contracts[first.target], movements)
        elif first.source in self.wallets.values():
            self._withdrawn(movements)

    def _paid_in(self, order: Order, movements: list[Transfer]) -> None:
        amount = sum(one.amount for one in movements)
        if movements[0].source != self.wallets[order.buyer]:
            order.dust += amount
            return
        if order.funded or amount != order.amount:
            self._wrong(f"{order.id} was funded with {amount}, after {order.funded}")
        if not order.reserved or order.cancelled:
            self._wrong(f"{order.id} was funded and was not reserved")
        order.funded += amount

    def _paid_out(self, order: Order, movements: list[Transfer]) -> None:
        paid: Paid = Counter()
        for one in movements:
            paid[one.target] += one.amount
        for part in order.parts:
            for shares in sorted(part.may) if part.settled is None else []:
                for extra in self._extras(order, shares):
                    if self._payout(order, *shares, extra) == paid:
                        part.settled = shares
                        order.dust -= sum(extra)
                        return
        if self._is_sweep(order, paid):
            order.dust = 0
            return
        self._wrong(f"{order.id} paid out {sorted(paid.values())}, which nobody agreed to")

    def _extras(self, order: Order, shares: tuple[int, int]) -> list[tuple[int, int]]:
        """A stranger's money leaves a single contract with whoever receives, in a split the buyer.

        A release takes only its amount; then the rest stays."""
        if len(order.parts) > 1 or not order.dust:
            return [(0, 0)]
        with_dust = (0, order.dust) if shares[1] else (order.dust, 0)
        return [(0, 0), with_dust]

    def _is_sweep(self, order: Order, paid: Paid) -> bool:
        return order.dust > 0 and paid == self._payout(order, 0, order.dust, (0, 0))

    def _payout(self, order: Order, seller: int, buyer: int, extra: tuple[int, int]) -> Paid:
        """What the contract pays to whom: fees on the whole, each share less its part of them."""
        seller, buyer = seller + extra[0], buyer + extra[1]
        total = seller + buyer
        vendor, platform = total * self.vendor_bps // WHOLE, total * self.platform_bps // WHOLE
        paid: Paid = Counter()
        paid[self.vendor] += vendor
        paid[self.platform] += platform
        for user, amount in ((order.seller, seller), (order.buyer, buyer)):
            paid[self.wallets[user]] += amount - amount * (vendor + platform) // total
        return Counter({address: n for address, n in paid.items() if n})

    def _withdrawn(self, movements: list[Transfer]) -> None:
        for one in movements:
            payment = (one.source, one.target, one.amount)
            self.paid[payment] += 1
            asked = sum(self._payment(row) == payment for row in self.withdrawals.values())
            if self.paid[payment] > asked:
                self._wrong(f"{one.amount} left a wallet for no withdrawal")

    def _payment(self, row: Withdrawal) -> tuple[str, str, int]:
        return self.wallets[row.user], row.target, row.amount

    # --- predictions --------------------------------------------------------------------------
    def balance(self, user: str) -> Balance:
        """What the books must say of a user when nothing is on its way."""
        mine = [order for order in self.orders.values() if order.buyer == user]
        reserved = sum(o.amount for o in mine if o.reserved and not o.cancelled and not o.funded)
        pending = sum(
            w.amount for w in self.withdrawals.values() if w.user == user and self._waits(w)
        )
        in_escrow = sum(order.left for order in mine)
        wallet = self.held[self.wallets[user]]
        return Balance(wallet - reserved - pending, reserved, in_escrow, pending)

    @staticmethod
    def _waits(row: Withdrawal) -> bool:
        return row.ended not in ("COMPLETED", "FAILED", "CANCELLED")

    def contract(self, order: str) -> int:
        """What an order's contract must hold: what is meant for somebody, and strangers' money."""
        return self.orders[order].left + self.orders[order].dust

    def ended(self, withdrawal: str, status: str) -> None:
        """What the answers said of a withdrawal at last."""
        self.withdrawals[withdrawal].ended = status

    def compare_payments(self) -> None:
        """As many withdrawals say that they were paid as the network shows payments."""
        rows = [row for row in self.withdrawals.values() if row.ended == "COMPLETED"]
        said = Counter(self._payment(row) for row in rows)
        if said != self.paid:
            self._wrong(f"paid out {sorted(self.paid.values())}, said {sorted(said.values())}")

    def stands(self, order: str, status: str, parts: dict[str, str]) -> None:
        """What the answers said of an order at last, and of its milestones."""
        row = self.orders[order]
        for part in row.parts:
            shown = parts[part.ref]
            expected = (
                None if part.settled is None else "RELEASED" if part.settled[0] else "REFUNDED"
            )
            if expected != (shown if shown in ("RELEASED", "REFUNDED") else None):
                self._wrong(f"{order} {part.ref} is {shown}, and the network says {expected}")
        if row.funded and status != (wanted := self._status(row)) and wanted:
            self._wrong(f"{order} is {status} and should be {wanted}")
        if row.cancelled != (status == "CANCELLED"):
            self._wrong(f"{order} is {status}; cancelled: {row.cancelled}")

    @staticmethod
    def _status(row: Order) -> str:
        """Of a funded order of which everything is settled; else nothing is said."""
        settled = [part.settled for part in row.parts]
        if any(shares is None for shares in settled):
            return ""
        return "COMPLETED" if any(shares and shares[0] for shares in settled) else "REFUNDED"

    def _wrong(self, what: str) -> None:
        self.problems.append(what)

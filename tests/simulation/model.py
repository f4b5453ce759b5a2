"""What must be true of everybody's money, worked out without the product.

It knows two things: the answers that the marketplace's server was given, and the payments that the
network shows. From those it predicts every balance and explains every payment, to the stroop. It
imports nothing of the product (a test proves it). What was agreed is in `agreed.py`.
"""

from collections import Counter

from tests.simulation.agreed import (
    NEVER,
    SLACK,
    Aside,
    Campaign,
    Cycle,
    Milestone,
    Order,
    Paid,
    Subscription,
    Transfer,
    Withdrawal,
)

LITTLE = 10_000_000  # stroops: less is fetched only when somebody asks for it
WHOLE = 10_000  # fees are in hundredths of a percent
Balance = tuple[int, int, int, int]  # available, reserved, in escrow, on the way out


class Model:
    """Fed with answers and payments; asked for balances and for what it can not explain."""

    def __init__(self, platform: str, vendor: str, vendor_bps: int) -> None:
        self.platform, self.vendor, self.vendor_bps = platform, vendor, vendor_bps
        self.wallets: dict[str, str] = {}  # user → address
        self.orders: dict[str, Order] = {}
        self.withdrawals: dict[str, Withdrawal] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.campaigns: dict[str, Campaign] = {}
        self.asides: dict[str, Aside] = {}  # by the balance's own address
        # Payments out of wallets, by wallet, target and amount: equal ones are interchangeable.
        self.paid: Counter[tuple[str, str, int]] = Counter()
        # Fees of refunds that the marketplace bears, by wallet and amount; and what was paid back.
        self.owed: Counter[tuple[str, int]] = Counter()
        self.repaid: Counter[tuple[str, int]] = Counter()
        self.held: Counter[str] = Counter()  # address → stroops, by the payments seen
        self.problems: list[str] = []

    # --- answers ------------------------------------------------------------------------------
    def user(self, user: str, address: str) -> None:
        """A user was made."""
        self.wallets[user] = address

    def order(self, order: Order) -> None:
        """An order was made; the same answer twice is one order."""
        self.orders.setdefault(order.id, order)

    def reserved(self, order: str) -> None:
        """Its money was set aside."""
        self.orders[order].reserved = True

    def cancelled(self, order: str) -> None:
        """It will not happen."""
        self.orders[order].cancelled = True

    def escrow(self, order: str, contract: str) -> None:
        """Its contract is known."""
        self.orders[order].contract = contract

    def agreed(self, order: str, ref: str, to_seller: int, since: float = 0.0) -> None:
        """It was accepted that a milestone is paid out like this, and the rest to the buyer."""
        self.part(order, ref).agree(to_seller, since)

    def part(self, order: str, ref: str) -> Milestone:
        """One milestone."""
        return next(p for p in self.orders[order].parts if p.ref == ref)

    def withdrawal(self, row: Withdrawal) -> None:
        """A withdrawal was accepted."""
        self.withdrawals.setdefault(row.id, row)

    def cycle(self, subscription: str, cycle: Cycle, order: Order) -> None:
        """A cycle as the answers show it: its order, made once, is paid to the seller at its end,
        or divided as it was cut."""
        row = self.subscriptions[subscription]
        if order.id in self.orders and self.orders[order.id].owner != subscription:
            self.wrong(f"{order.id} is of a cycle and of something else")
        if what := row.wrong(cycle):
            self.wrong(f"cycle {cycle.index} of {subscription} {what}")
        row.cycles[cycle.index] = cycle
        self.order(order)
        self.reserved(order.id)
        (part,) = self.orders[order.id].parts
        if cycle.whole:
            part.agree(part.amount, cycle.ends)
        else:
            part.agree(cycle.to_seller or 0, min(row.stopped, cycle.ends))

    def campaign_is(
        self, campaign: str, outcome: str, withdrawn: set[str], disputed: set[str]
    ) -> None:
        """What a campaign came to, by the answers."""
        row = self.campaigns[campaign]
        if what := row.end(outcome, withdrawn, disputed):
            self.wrong(f"{campaign} {what}")
        for order in row.pledges:
            (part,) = self.orders[order].parts
            if order not in withdrawn:
                part.agree(part.amount if outcome == "SUCCEEDED" else 0, row.since)

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
        elif first.source in self.asides:
            self._fetched(self.asides[first.source], movements)
        elif first.source in self.wallets.values():
            self._withdrawn(movements)
        elif first.source == self.platform:
            self._paid_back(movements)

    def _paid_in(self, order: Order, movements: list[Transfer]) -> None:
        amount = sum(one.amount for one in movements)
        if movements[0].source != self.wallets[order.buyer]:
            order.dust += amount
            return
        if order.funded or amount != order.amount:
            self.wrong(f"{order.id} was funded with {amount}, after {order.funded}")
        if not order.reserved or order.cancelled:
            self.wrong(f"{order.id} was funded and was not reserved")
        order.funded += amount

    def _paid_out(self, order: Order, movements: list[Transfer]) -> None:
        paid: Paid = Counter()
        for one in movements:
            paid[one.target] += one.amount
        at = movements[0].at + SLACK
        for part in order.parts:
            open_to = part.may.items() if part.settled is None else ()
            for shares in sorted(s for s, since in open_to if since <= at):
                for extra in self._extras(order, shares):
                    if self._payout(order, *shares, extra) == paid:
                        part.settled = shares
                        order.dust -= sum(extra)
                        self._owe(order, shares[1] - paid[self.wallets[order.buyer]])
                        return
        if self._is_sweep(order, paid):
            order.dust = 0
            return
        self.wrong(f"{order.id} paid out {sorted(paid.values())}, which nobody agreed to")

    def _owe(self, order: Order, lost: int) -> None:
        """What a buyer lost of a refund to fees, where the marketplace bears them."""
        if order.whole_refunds and lost > 0:
            self.owed[self.wallets[order.buyer], lost] += 1

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
        vendor, platform = total * self.vendor_bps // WHOLE, total * order.platform_bps // WHOLE
        paid: Paid = Counter()
        paid[self.vendor] += vendor
        paid[self.platform] += platform
        for user, amount in ((order.seller, seller), (order.buyer, buyer)):
            paid[self.wallets[user]] += amount - amount * (vendor + platform) // total
        return Counter({address: n for address, n in paid.items() if n})

    def _fetched(self, row: Aside, movements: list[Transfer]) -> None:
        (one,) = movements
        row.went = one.target
        if one.target == row.maker:
            return
        if (one.target, one.amount) != (self.wallets[row.user], row.amount):
            self.wrong(f"{one.amount} of {row.amount} set aside for {row.user} went elsewhere")
        asked = row.amount >= LITTLE or row.wanted <= one.at + SLACK
        if not asked or not row.opens - SLACK <= one.at <= row.closes + SLACK:
            self.wrong(f"{row.amount} set aside for {row.user} was fetched, and nobody asked")

    def _withdrawn(self, movements: list[Transfer]) -> None:
        for one in movements:
            payment = (one.source, one.target, one.amount)
            self.paid[payment] += 1
            asked = sum(
                self._payment(row) == payment and row.since <= one.at + SLACK
                for row in self.withdrawals.values()
            )
            if self.paid[payment] > asked:
                self.wrong(f"{one.amount} left a wallet for no withdrawal")

    def _payment(self, row: Withdrawal) -> tuple[str, str, int]:
        return self.wallets[row.user], row.target, row.amount

    def _paid_back(self, movements: list[Transfer]) -> None:
        for one in movements:
            self.repaid[one.target, one.amount] += 1
            if self.repaid[one.target, one.amount] > self.owed[one.target, one.amount]:
                self.wrong(f"{one.amount} left the marketplace's wallet for no refund")

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
        return wallet - reserved - pending, reserved, in_escrow, pending

    @staticmethod
    def _waits(row: Withdrawal) -> bool:
        return row.ended not in ("COMPLETED", "FAILED", "CANCELLED")

    def contract(self, order: str) -> int:
        """What an order's contract must hold: what is meant for somebody, and strangers' money."""
        return self.orders[order].left + self.orders[order].dust

    def compare_asides(self) -> None:
        """What was there to be fetched at the end, and for ever, was fetched."""
        for row in self.asides.values():
            asked = row.amount >= LITTLE or row.promised
            if asked and row.closes == NEVER and not row.went:
                self.wrong(f"{row.amount} set aside for {row.user} was not fetched")

    def ended(self, withdrawal: str, status: str) -> None:
        """What the answers said of a withdrawal at last."""
        row = self.withdrawals[withdrawal]
        row.ended = status
        if self._waits(row) and row.since < NEVER:
            self.wrong(f"{withdrawal} is {status} and nobody has to agree to it")

    def compare_payments(self) -> None:
        """As many withdrawals say that they were paid as the network shows payments, and what the
        marketplace bears of refunds was paid back."""
        rows = [row for row in self.withdrawals.values() if row.ended == "COMPLETED"]
        said = Counter(self._payment(row) for row in rows)
        if said != self.paid:
            self.wrong(f"paid out {sorted(self.paid.values())}, said {sorted(said.values())}")
        if missing := self.owed - self.repaid:
            amounts = sorted(amount for (_, amount) in missing.elements())
            self.wrong(f"of fees of refunds {amounts} were not paid back")

    def stands(self, order: str, status: str, parts: dict[str, str]) -> None:
        """What the answers said of an order at last, and of its milestones."""
        row = self.orders[order]
        if row.owner and status == "CANCELLED" and not row.funded and self._may_drop(row):
            row.cancelled = True
        for part in row.parts:
            shown = parts[part.ref]
            expected = (
                None if part.settled is None else "RELEASED" if part.settled[0] else "REFUNDED"
            )
            if expected != (shown if shown in ("RELEASED", "REFUNDED") else None):
                self.wrong(f"{order} {part.ref} is {shown}, and the network says {expected}")
        if row.funded and status != (wanted := self._status(row)) and wanted:
            self.wrong(f"{order} is {status} and should be {wanted}")
        if row.cancelled != (status == "CANCELLED"):
            self.wrong(f"{order} is {status}; cancelled: {row.cancelled}")

    def _may_drop(self, row: Order) -> bool:
        """Whether what made an order may give its reservation back."""
        if row.owner in self.campaigns:
            return self.campaigns[row.owner].outcome in ("FAILED", "CANCELLED")
        cycles = self.subscriptions[row.owner].cycles.values()
        return any(c.order == row.id and c.never_paid for c in cycles)

    @staticmethod
    def _status(row: Order) -> str:
        """Of a funded order of which everything is settled; else nothing is said."""
        settled = [part.settled for part in row.parts]
        if any(shares is None for shares in settled):
            return ""
        return "COMPLETED" if any(shares and shares[0] for shares in settled) else "REFUNDED"

    def wrong(self, what: str) -> None:
        """Something that nobody can explain."""
        self.problems.append(what)

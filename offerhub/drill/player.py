"""A buyer and a seller who make one deal after another over public HTTP, whatever happens."""

import random
import time
from collections.abc import Callable
from decimal import Decimal

from offerhub.demo.client import Api, Json, NoProgress, Patience, Refused, Sandbox
from offerhub.demo.diary import Notes
from offerhub.demo.sale import Sale

PRICE = Decimal(3)
SHARES = {"seller": "2", "buyer": "1"}  # of a deal that is divided
PURSE = Decimal(30)  # what the buyer sends at a time
DUST = Decimal("0.0000003")
HALVES = [{"id": "m1", "description": "First half", "amount": 1}]
HALVES += [{"id": "m2", "description": "Second half", "amount": 2}]
ENDED = {"COMPLETED", "FAILED", "CANCELLED"}


# An envelope whose fate is not known keeps its account until it expires, after five minutes at the
# most, and all deals share the account of the resolver.
STEP_SECONDS = 420.0
LAST_DEALS = STEP_SECONDS + 60.0  # for deals of which each may be at a slow step


class Hasty(Api):
    """A client that sometimes hangs up before it was answered, and asks again."""

    def __init__(self, base_url: str, key: str, hung_up: Callable[[], None], seed: str) -> None:
        super().__init__(base_url, key, lambda why: None)
        self._chance, self._hung_up = random.Random(seed), hung_up  # noqa: S311 (the same each time)
        self.longest = 0.0  # seconds that a step took until it was done

    def until(
        self, path: str, reached: Callable[[Json], bool], what: str, seconds: float = STEP_SECONDS
    ) -> Json:
        """The same, with the time for what may keep an account that others use as well."""
        began = time.monotonic()
        try:
            return super().until(path, reached, what, seconds)
        finally:
            self.longest = max(self.longest, time.monotonic() - began)

    def _timeout(self) -> float:
        if self._chance.random() >= 0.03:
            return super()._timeout()
        self._hung_up()
        return self._chance.uniform(0.01, 0.3)


class Player(Sale):
    """Two people and their wallets. Each deal answers the state that its order ended in."""

    name = "drill"

    def __init__(self, api: Api, sandbox: Sandbox, label: str, seed: str) -> None:
        super().__init__(api, sandbox, Notes(label, ("buyer", "seller")))
        self.notes: Notes = self.diary  # type: ignore[assignment]
        self.chance = random.Random(seed)  # noqa: S311 (the same each time)
        self.sent = Decimal(0)  # to the buyer, from outside
        self.dust = Decimal(0)  # to contracts, by strangers
        self.withdrawals: list[str] = []  # how they ended
        self.paid_out = Decimal(0)

    def join(self) -> list[str]:
        """Both get wallets, and the seller one elsewhere; the addresses of the first two."""
        self.user("buyer")
        self.user("seller")
        self.open_destination()
        return [self.notes.fact("buyer address"), self.notes.fact("seller address")]

    @property
    def destination(self) -> str:
        return self.notes.fact("destination")

    def brought_in(self) -> Decimal:
        """All that came from outside, as the chain tells it."""
        return self._received(self.notes.fact("buyer address")) + self.dust

    def play(self, kind: str) -> str:
        """One deal from the money to the end; the state of its order. Raises NoProgress."""
        self.notes.turn()
        self._bring_money()
        DEALS[kind](self)
        order = self.api.get(f"/orders/{self.notes.fact('order')}")
        return str(order["status"])

    def _bring_money(self) -> None:
        """Have the buyer able to pay. What was minted is known by what has arrived."""
        path = f"/users/{self.notes.name('buyer')}/balance"
        if Decimal(self.api.get(path)["available"]) >= PRICE:
            return
        self.sent += PURSE
        self.deposit("buyer", str(self.sent), PURSE)
        self.api.until(path, lambda b: Decimal(b["available"]) >= PRICE, "the deposit")

    # --- the deals ----------------------------------------------------------------------------
    def paid_by_halves(self) -> None:
        """Step by step: two milestones, then the seller's money goes elsewhere."""
        self.place_order("buyer", "seller", {"amount": int(PRICE), "milestones": HALVES})
        self._into_contract()
        for half in HALVES:
            self._release(str(half["id"]))
        self._withdraw_all()

    def paid_at_once(self) -> None:
        """In as few calls as there can be."""
        self.place_order("buyer", "seller", {"amount": int(PRICE), "autoFund": True})
        self._until_paid_in()
        self._release("")
        self._withdraw_all()

    def refunded(self) -> None:
        """The buyer has it back, with a stranger's dust in the way."""
        self.place_order("buyer", "seller", {"amount": int(PRICE)})
        self._into_contract()
        self._dust()
        self._resolve("refund", lambda order: order["status"] == "REFUNDED")

    def divided(self) -> None:
        """A dispute, and each gets a share."""
        self.place_order("buyer", "seller", {"amount": int(PRICE)})
        self._into_contract()
        self._dust()
        body = {
            "orderId": self.notes.fact("order"),
            "openedBy": self.notes.name("buyer"),
            "reason": "Not as described",
        }
        dispute = self.api.post("/disputes", body, key=self.notes.name("dispute"))
        path = f"/disputes/{dispute['id']}"
        self.api.until(path, lambda d: d["frozen"] or d["problem"], "the freeze")
        decision = {"decision": "SPLIT", "split": SHARES}
        self._asked(
            "resolve",
            lambda key: self.api.post(f"{path}/resolve", decision, key=key),
            lambda order: order["status"] == "COMPLETED",
        )

    def called_off(self) -> None:
        """Reserved, and given back."""
        self.place_order("buyer", "seller", {"amount": int(PRICE)})
        self.reserve()
        path = f"/orders/{self.notes.fact('order')}/cancel"
        self._asked(
            "cancel",
            lambda key: self.api.post(path, key=key),
            lambda order: order["status"] == "CANCELLED",
        )

    # --- their steps ----------------------------------------------------------------------------
    def _into_contract(self) -> None:
        self.reserve()
        self.deploy()
        self.fund()

    def _until_paid_in(self) -> None:
        """The order that pays itself in; where a step of it failed, the rest is asked for."""
        path = f"/orders/{self.notes.fact('order')}"
        order = self.api.until(path, lambda order: order["operation"] is None, "the funding")
        if order["status"] != "IN_PROGRESS":
            self._into_contract()

    def _release(self, milestone: str) -> None:
        body = {"orderId": self.notes.fact("order")}
        if milestone:
            body["milestoneId"] = milestone

        def reached(order: Json) -> bool:
            parts = [m for m in order["milestones"] if milestone in ("", m["id"])]
            return all(part["status"] == "RELEASED" for part in parts)

        self._asked(
            f"release{milestone}",
            lambda key: self.api.post("/resolution/release", body, key=key),
            reached,
        )

    def _resolve(self, word: str, reached: Callable[[Json], bool]) -> None:
        body = {"orderId": self.notes.fact("order"), "reason": "Called off"}
        self._asked(word, lambda key: self.api.post(f"/resolution/{word}", body, key=key), reached)

    def _asked(
        self, step: str, send: Callable[[str], Json], reached: Callable[[Json], bool]
    ) -> None:
        self.bring_order(step, send, reached, step)

    def _dust(self) -> None:
        """A stranger sends something into the contract. Only this deal changes what it holds."""
        contract = self._contract()
        before, patience = self.chain_holds(contract), Patience("the dust")
        while self.chain_holds(contract) == before:
            try:
                self.sandbox.post("/control/mint", {"address": contract, "amount": str(DUST)})
            except OSError as error:  # requests' errors are OSErrors
                patience.wait(str(error), 1.0)
        self.dust += self.chain_holds(contract) - before

    def _contract(self) -> str:
        order = self.api.get(f"/orders/{self.notes.fact('order')}")
        return str(self.api.get(f"/escrow/{order['escrowId']}")["contractId"])

    def _withdraw_all(self) -> None:
        """The seller's money goes to the wallet elsewhere. What was not paid stays theirs."""
        available = self.balance("seller")["available"]
        body = {
            "userId": self.notes.name("seller"),
            "amount": str(available),
            "destination": self.destination,
        }
        try:
            made = self.api.post("/withdrawals", body, key=self.notes.name("withdrawal"))
        except Refused as refusal:
            self.withdrawals.append(f"refused: {refusal.code}")
            return
        path = f"/withdrawals/{made['id']}"
        ended = self.api.until(path, lambda w: w["status"] in ENDED, "the withdrawal")
        self.withdrawals.append(str(ended["status"]))
        if ended["status"] == "COMPLETED":
            self.paid_out += available


DEALS: dict[str, Callable[[Player], None]] = {
    "paid by halves": Player.paid_by_halves,
    "paid at once": Player.paid_at_once,
    "refunded": Player.refunded,
    "divided": Player.divided,
    "called off": Player.called_off,
}
# How each ends.
ENDS = {
    "paid by halves": "COMPLETED",
    "paid at once": "COMPLETED",
    "refunded": "REFUNDED",
    "divided": "COMPLETED",
    "called off": "CANCELLED",
}
STOPS = (NoProgress, Refused)  # what a deal that does not come to its end raises

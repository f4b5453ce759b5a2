"""What every scenario is made of: named steps over the API, and a table that must add up."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from offerhub.demo.client import Api, Json, NoProgress, Patience, Refused, Sandbox
from offerhub.demo.diary import Diary

ATTEMPTS = 4  # a chain operation that failed is asked for again so often


@dataclass(frozen=True)
class Step:
    """Something with an end. It may be broken off anywhere and done again."""

    name: str
    title: str
    do: Callable[[], None]


@dataclass(frozen=True)
class Row:
    """One pocket of money: what the books say is there, and what the chain says."""

    who: str
    where: str
    books: Decimal
    chain: Decimal


class DoesNotAddUp(Exception):
    """The books and the chain differ, or the money is not where the scenario put it."""


class Scenario:
    """Subclasses give `steps` and `rows`."""

    name: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, api: Api, sandbox: Sandbox, diary: Diary) -> None:
        self.api, self.sandbox, self.diary = api, sandbox, diary

    def steps(self) -> list[Step]:
        raise NotImplementedError

    def rows(self) -> list[Row]:
        """The pockets at the end. Raises DoesNotAddUp."""
        raise NotImplementedError

    def orders(self) -> list[str]:
        """The states of its orders now."""
        ids = self.diary.fact("orders").split() if self.diary.knows("orders") else []
        return [str(self.api.get(f"/orders/{order}")["status"]) for order in ids]

    def deposited(self) -> Decimal:
        """All that its users sent."""
        facts = self.diary.facts("deposited ")
        return sum((Decimal(amount) for amount in facts), Decimal(0))

    # --- what scenarios have in common ------------------------------------------------------

    def user(self, word: str) -> None:
        """A user of this run with a wallet that is alive on the network."""
        name = self.diary.name(word)
        self.api.post("/users", {"externalId": name}, key=f"{name}-user")
        wallet = self.api.until(
            f"/users/{name}/wallet", lambda w: w["status"] == "ACTIVE", f"the wallet of {name}"
        )
        self.diary.keep(f"{word} address", wallet["address"])
        self.diary.keep("issuer", wallet["asset"]["issuer"])

    def deposit(self, word: str, amount: str, portion: Decimal | None = None) -> None:
        """Money that a user sends to their address; the sandbox pretends to be them.

        Minting has no idempotency key. So what has arrived is asked for first, and again after a
        doubtful answer. With a portion `amount` is all that shall have arrived, and so much is sent
        at a time.
        """
        address = self.diary.fact(f"{word} address")
        self.diary.keep(f"deposited {word}", amount)
        patience = Patience(f"the deposit of {word}")
        sent = {"address": address, "amount": str(portion or amount)}
        while self._received(address) < Decimal(amount):
            try:
                self.sandbox.post("/control/mint", sent)
            except OSError as error:  # requests' errors are OSErrors
                patience.wait(str(error), 1.0)

    def _received(self, address: str) -> Decimal:
        return sum(
            (
                Decimal(record["amount"])
                for record in self.sandbox.payments(address)
                if record.get("to") == address and record.get("asset_type") != "native"
            ),
            Decimal(0),
        )

    def balance(self, word: str) -> dict[str, Decimal]:
        answer = self.api.get(f"/users/{self.diary.name(word)}/balance")
        parts = ("available", "reserved", "inEscrow", "pendingWithdrawal", "total")
        return {part: Decimal(answer[part]) for part in parts}

    def bring_order(
        self, step: str, send: Callable[[str], Json], reached: Callable[[Json], bool], what: str
    ) -> Json:
        """Ask for a change of the order and follow it until nothing is on its way.

        The same key is used until the outcome is known; only after a proven failure a new one.
        """
        path = f"/orders/{self.diary.fact('order')}"
        for attempt in range(1, ATTEMPTS + 1):
            try:
                send(self.diary.name(f"{step}-{attempt}"))
            except Refused as refusal:
                # An earlier attempt may have done it, or may still be doing it.
                if refusal.status != 409:
                    raise
            order = self.api.until(path, lambda order: order["operation"] is None, what)
            if reached(order):
                return order
        raise NoProgress(f"{what}: the order is {order['status']} after {ATTEMPTS} attempts")

    def chain_holds(self, address: str) -> Decimal:
        """What the network says an account or a contract holds of the dollar token."""
        state = self.sandbox.get("/control/state")
        if address.startswith("C"):
            contract = state["contracts"].get(address)
            return Decimal(contract["balance"]) if contract else Decimal(0)
        issuer = self.diary.fact("issuer")
        held = state["accounts"].get(address, {})
        return sum((Decimal(v) for k, v in held.items() if k.endswith(issuer)), Decimal(0))

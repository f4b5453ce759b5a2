"""What every sale has in common: from the buyer's deposit to the money in the contract."""

from decimal import Decimal

from offerhub.demo.client import Json
from offerhub.demo.scenario import Scenario


class Sale(Scenario):
    """One order of a run, kept in the diary as `order`, `escrow` and `contract`."""

    def credited(self, word: str, amount: str) -> None:
        """Wait until the monitor has seen the deposit."""
        path = f"/users/{self.diary.name(word)}/balance"
        self.api.until(path, lambda b: Decimal(b["total"]) >= Decimal(amount), "the deposit")

    def place_order(self, buyer: str, seller: str, more: Json) -> None:
        """An order between two users of the run."""
        name = self.diary.name("order")
        parties = {"buyerId": self.diary.name(buyer), "sellerId": self.diary.name(seller)}
        body = {**parties, **more, "externalRef": name}
        self.diary.keep("order", self.api.post("/orders", body, key=name)["id"])

    def reserve(self) -> None:
        """The buyer's money is set aside."""
        path = f"/orders/{self.diary.fact('order')}/reserve"
        self.bring_order(
            "reserve",
            lambda key: self.api.post(path, key=key),
            lambda order: order["status"] != "CREATED",
            "reserving",
        )

    def deploy(self) -> None:
        """The order gets its contract."""
        order = self.bring_order(
            "escrow",
            lambda key: self.api.post("/escrow", {"orderId": self.diary.fact("order")}, key=key),
            lambda order: order["status"] not in {"CREATED", "RESERVED"},
            "deploying the contract",
        )
        escrow = self.api.get(f"/escrow/{order['escrowId']}")
        self.diary.keep("escrow", escrow["id"])
        self.diary.keep("contract", escrow["contractId"])

    def fund(self) -> None:
        """The money goes into the contract."""
        path = f"/escrow/{self.diary.fact('escrow')}/fund"
        self.bring_order(
            "fund",
            lambda key: self.api.post(path, key=key),
            lambda order: order["status"] not in {"CREATED", "RESERVED", "ESCROW_CREATED"},
            "funding the contract",
        )

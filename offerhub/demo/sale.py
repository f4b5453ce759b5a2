"""What every sale has in common: from the buyer's deposit to the money in the contract."""

from decimal import Decimal

from stellar_sdk import Keypair

from offerhub.demo.client import Json
from offerhub.demo.outside import open_wallet
from offerhub.demo.scenario import DoesNotAddUp, Scenario


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
        self.diary.keep("orders", self.diary.fact("order"))

    def open_destination(self) -> None:
        """A wallet elsewhere, of which only its owner has the key."""
        if not self.diary.knows("destination secret"):
            self.diary.keep("destination secret", Keypair.random().secret)
        wallet = Keypair.from_secret(self.diary.fact("destination secret"))
        open_wallet(self.sandbox, wallet, self.diary.fact("issuer"))
        self.diary.keep("destination", wallet.public_key)

    def withdraw(self, word: str, amount: str) -> None:
        """A user's money goes to the wallet elsewhere."""
        name = self.diary.name("withdrawal")
        destination = self.diary.fact("destination")
        body = {"userId": self.diary.name(word), "amount": amount, "destination": destination}
        withdrawal = self.api.post("/withdrawals", body, key=name)
        ended = self.api.until(
            f"/withdrawals/{withdrawal['id']}",
            lambda w: w["status"] in {"COMPLETED", "FAILED", "CANCELLED"},
            "the withdrawal",
        )
        if ended["status"] != "COMPLETED":
            raise DoesNotAddUp(f"The withdrawal ended {ended['status']}: {ended.get('problem')}")

    def pass_time(self, duration: str) -> None:
        """Let the sandbox's clock run ahead: weeks take no time in a demo. Done twice, after a
        crash, it runs ahead further."""
        self.sandbox.post("/control/clock", {"advance": duration})

    def until_order(self, status: str) -> None:
        """Wait for what the product does by itself."""
        path = f"/orders/{self.diary.fact('order')}"
        self.api.until(path, lambda order: order["status"] == status, f"the order to be {status}")

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

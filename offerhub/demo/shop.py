"""Use case 2: a vase is bought, shipped, and paid for when the delivery window ends."""

from decimal import Decimal

from offerhub.demo.sale import Sale
from offerhub.demo.scenario import DoesNotAddUp, Row, Step


class Shop(Sale):
    name = "shop"
    title = "Use case 2: an e-commerce marketplace, released by itself"

    def steps(self) -> list[Step]:
        return [
            Step("buyer", "Buyer joins", lambda: self.user("buyer")),
            Step("seller", "Seller joins", lambda: self.user("seller")),
            Step("deposit", "Buyer sends 100 USDC", lambda: self.deposit("buyer", "100")),
            Step("credit", "It is credited", lambda: self.credited("buyer", "100")),
            Step("order", "Ceramic vase, 100, paid into escrow in one call", self._order),
            Step("funded", "100 in the contract", lambda: self.until_order("IN_PROGRESS")),
            Step("ship", "Seller ships it: seven days begin", self._ship),
            Step("week", "Seven days pass", lambda: self.pass_time("P7DT1H")),
            Step("released", "Nobody objected: paid", lambda: self.until_order("COMPLETED")),
        ]

    def _order(self) -> None:
        policy = {"after": "P7D", "from": "SHIPPED"}
        sale = {"amount": 100, "description": "Handmade ceramic vase"}
        more = {**sale, "autoFund": True, "releasePolicy": policy}
        self.place_order("buyer", "seller", more)

    def _ship(self) -> None:
        path = f"/orders/{self.diary.fact('order')}/ship"
        parcel = {"carrier": "Post", "trackingNumber": f"RR{self.diary.run:07}"}
        self.api.post(path, parcel, key=self.diary.name("ship"))

    def rows(self) -> list[Row]:
        """All of it is the seller's."""
        buyer, seller = self.balance("buyer"), self.balance("seller")
        holds, fact = self.chain_holds, self.diary.fact
        rows = [
            Row("Buyer", "available", buyer["total"], holds(fact("buyer address"))),
            Row("Seller", "available", seller["available"], holds(fact("seller address"))),
        ]
        if [row.books for row in rows] != [Decimal(0), Decimal(100)]:
            raise DoesNotAddUp("The buyer had 100; the seller should have it now")
        return rows

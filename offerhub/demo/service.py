"""Use case 3: the customer is not content, and the case waits for somebody at the desk."""

from decimal import Decimal

from offerhub.demo.sale import Sale
from offerhub.demo.scenario import DoesNotAddUp, Row, Step

COMPLAINT = (
    "The sink drips as it did before. I sent two messages on the same evening and got no answer."
)
ANSWER = (
    "I changed the seal and tested it for half an hour; it was dry when I left. The tap itself is "
    "worn, and that was not part of the job. I offered to come back for the price of the part."
)


class Service(Sale):
    name = "service"
    title = "Use case 3: a service marketplace, a dispute for you to settle"

    def steps(self) -> list[Step]:
        return [
            Step("customer", "Customer joins", lambda: self.user("customer")),
            Step("plumber", "Plumber joins", lambda: self.user("plumber")),
            Step("deposit", "Customer sends 150 USDC", lambda: self.deposit("customer", "150")),
            Step("credit", "It is credited", lambda: self.credited("customer", "150")),
            Step("order", "Fix kitchen sink leak, 150", self._order),
            Step("reserve", "150 reserved", self.reserve),
            Step("escrow", "Escrow contract deployed", self.deploy),
            Step("fund", "150 moved into the contract", self.fund),
            Step("dispute", "Customer disputes; the money is frozen on the chain", self._dispute),
            Step("complaint", "Customer's statement", lambda: self._say("customer", COMPLAINT)),
            Step("answer", "Plumber's statement", lambda: self._say("plumber", ANSWER)),
        ]

    def _order(self) -> None:
        sale = {"amount": 150, "title": "Kitchen sink", "description": "Fix kitchen sink leak"}
        self.place_order("customer", "plumber", sale)

    def _dispute(self) -> None:
        name = self.diary.name("dispute")
        body = {
            "orderId": self.diary.fact("order"),
            "openedBy": self.diary.name("customer"),
            "reason": "Leak not fixed, still dripping",
        }
        dispute = self.api.post("/disputes", body, key=name)
        self.diary.keep("dispute", dispute["id"])
        path = f"/disputes/{dispute['id']}"
        self.api.until(path, lambda d: d["frozen"] or d["problem"], "the freeze")

    def _say(self, word: str, text: str) -> None:
        name = self.diary.name(word)
        path = f"/disputes/{self.diary.fact('dispute')}/statements"
        self.api.post(path, {"by": name, "text": text}, key=f"{name}-statement")

    def rows(self) -> list[Row]:
        """150 in all, wherever the desk has put it by now."""
        holds, fact = self.chain_holds, self.diary.fact
        escrow = self.api.get(f"/escrow/{fact('escrow')}")
        customer, plumber = self.balance("customer"), self.balance("plumber")
        rows = [
            Row("Customer", "available", customer["available"], holds(fact("customer address"))),
            Row("Escrow contract", "held", Decimal(escrow["balance"]), holds(fact("contract"))),
            Row("Plumber", "available", plumber["available"], holds(fact("plumber address"))),
        ]
        if sum(row.books for row in rows) != 150:
            raise DoesNotAddUp("The customer had 150, and it is not there any more")
        return rows

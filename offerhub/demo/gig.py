"""Use case 4: a task is done, approved by the hour that passes, and the money is gone at once."""

from decimal import Decimal

from offerhub.demo.sale import Sale
from offerhub.demo.scenario import DoesNotAddUp, Row, Step


class Gig(Sale):
    name = "gig"
    title = "Use case 4: a gig platform, withdrawn at once"

    def steps(self) -> list[Step]:
        return [
            Step("customer", "Customer joins", lambda: self.user("customer")),
            Step("tasker", "Tasker joins", lambda: self.user("tasker")),
            Step("deposit", "Customer sends 25 USDC", lambda: self.deposit("customer", "25")),
            Step("credit", "It is credited", lambda: self.credited("customer", "25")),
            Step("order", "Deliver groceries, 25, paid into escrow in one call", self._order),
            Step("funded", "25 in the contract", lambda: self.until_order("IN_PROGRESS")),
            Step("done", "Tasker is done: one hour begins", self._done),
            Step("hour", "The hour passes", lambda: self.pass_time("PT61M")),
            Step("released", "Nobody objected: paid", lambda: self.until_order("COMPLETED")),
            Step("destination", "Tasker opens a wallet elsewhere", self.open_destination),
            Step("withdrawal", "Tasker withdraws 25", lambda: self.withdraw("tasker", "25")),
        ]

    def _order(self) -> None:
        policy = {"after": "PT1H", "from": "COMPLETED"}
        sale = {"amount": 25, "description": "Deliver groceries"}
        more = {**sale, "autoFund": True, "releasePolicy": policy}
        self.place_order("customer", "tasker", more)

    def _done(self) -> None:
        body = {"orderId": self.diary.fact("order"), "action": "complete", "evidence": "photo 17"}
        self.bring_order(
            "done",
            lambda key: self.api.post("/resolution/release", body, key=key),
            lambda order: order["milestones"][0]["status"] != "OPEN",
            "the tasker's completion",
        )

    def rows(self) -> list[Row]:
        """All of it is in the tasker's wallet elsewhere."""
        customer, tasker = self.balance("customer"), self.balance("tasker")
        holds, fact = self.chain_holds, self.diary.fact
        rows = [
            Row("Customer", "available", customer["total"], holds(fact("customer address"))),
            Row("Tasker", "available", tasker["total"], holds(fact("tasker address"))),
            Row("Tasker", "withdrawn", Decimal(25), holds(fact("destination"))),
        ]
        if [row.chain for row in rows] != [Decimal(0), Decimal(0), Decimal(25)]:
            raise DoesNotAddUp("The customer had 25; it should be in the tasker's own wallet now")
        return rows

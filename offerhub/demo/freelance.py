"""Use case 1: a client deposits, a freelancer is paid milestone by milestone and withdraws."""

from decimal import Decimal

from offerhub.demo.client import Json
from offerhub.demo.sale import Sale
from offerhub.demo.scenario import DoesNotAddUp, Row, Step

MILESTONES = [
    {"id": "m1", "description": "Design mockups", "amount": 200},
    {"id": "m2", "description": "Final implementation", "amount": 300},
]


class Freelance(Sale):
    name = "freelance"
    title = "Use case 1: a freelance platform"

    def steps(self) -> list[Step]:
        return [
            Step("client", "Client joins and gets a wallet", lambda: self.user("client")),
            Step("freelancer", "Freelancer joins", lambda: self.user("freelancer")),
            Step("deposit", "Client sends 500 USDC", lambda: self.deposit("client", "500")),
            Step(
                "credit",
                "The monitor sees it and credits it",
                lambda: self.credited("client", "500"),
            ),
            Step("order", "Order over two milestones", self._order),
            Step("reserve", "500 reserved", self.reserve),
            Step("escrow", "Escrow contract deployed", self.deploy),
            Step("fund", "500 moved into the contract", self.fund),
            Step("complete", "m1: work is done", lambda: self._release("m1", "complete")),
            Step("approve", "m1: client approves", lambda: self._release("m1", "approve")),
            Step("release", "m1: 200 released", lambda: self._release("m1", "release")),
            Step("release 2", "m2: 300 released", lambda: self._release("m2", "")),
            Step("destination", "Freelancer opens a wallet elsewhere", self.open_destination),
            Step(
                "withdrawal", "Freelancer withdraws 200", lambda: self.withdraw("freelancer", "200")
            ),
        ]

    def _order(self) -> None:
        self.place_order("client", "freelancer", {"amount": 500, "milestones": MILESTONES})

    def _release(self, milestone: str, action: str) -> None:
        """One of the three steps, or without `action` all that are missing."""
        body = {"orderId": self.diary.fact("order"), "milestoneId": milestone}
        if action:
            body["action"] = action
        states = ["OPEN", "COMPLETED", "APPROVED", "RELEASED"]
        wanted = {"complete": 1, "approve": 2}.get(action, 3)

        def reached(order: Json) -> bool:
            status = next(m["status"] for m in order["milestones"] if m["id"] == milestone)
            return status in states[wanted:]

        self.bring_order(
            f"{milestone}-{action or 'all'}",
            lambda key: self.api.post("/resolution/release", body, key=key),
            reached,
            f"{action or 'release'} of {milestone}",
        )

    def rows(self) -> list[Row]:
        client, freelancer = self.balance("client"), self.balance("freelancer")
        escrow = self.api.get(f"/escrow/{self.diary.fact('escrow')}")
        fact, holds = self.diary.fact, self.chain_holds
        rows = [
            Row("Client", "available", client["total"], holds(fact("client address"))),
            Row("Escrow contract", "held", Decimal(escrow["balance"]), holds(fact("contract"))),
            Row(
                "Freelancer",
                "available",
                freelancer["available"],
                holds(fact("freelancer address")),
            ),
            Row("Freelancer", "withdrawn", Decimal(200), holds(fact("destination"))),
        ]
        expected = [Decimal(n) for n in (0, 0, 300, 200)]
        if [row.books for row in rows] != expected or [row.chain for row in rows] != expected:
            raise DoesNotAddUp(
                "The client had 500; expected are 300 available to the freelancer and 200 withdrawn"
            )
        return rows

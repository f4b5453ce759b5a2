"""Use case 6: backers pledge for a project. The goal is met, or everybody has the money back."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from offerhub.demo.client import Json
from offerhub.demo.sale import Sale
from offerhub.demo.scenario import DoesNotAddUp, Row, Step

BACKERS, PLEDGE = ("ada", "ben", "cleo"), 50


class Funded(Sale):
    """Held in a contract for each backer, and released to the creator at the deadline."""

    name = "campaign"
    title = "Use case 6: a crowdfunding platform, goal met"
    goal: ClassVar[int] = 120
    holds: ClassVar[str] = "ESCROW"
    pledged: ClassVar[str] = "IN_PROGRESS"
    ends: ClassVar[str] = "SUCCEEDED"

    def steps(self) -> list[Step]:
        total = PLEDGE * len(BACKERS)
        return [
            Step("creator", "Creator joins", lambda: self.user("creator")),
            Step("backers", "Three backers join and send 50 USDC each", self._backers),
            Step("open", f"Project X is open: goal {self.goal}, a week", self._open),
            Step("pledges", f"They pledge {total} together: {self._where()}", self._pledge),
            Step("week", "The week passes", lambda: self.pass_time("P7DT1H")),
            Step("settled", self._end(), self._settled),
        ]

    def _where(self) -> str:
        return "a contract for each" if self.holds == "ESCROW" else "set aside, no contract"

    def _end(self) -> str:
        if self.ends == "SUCCEEDED":
            return "The goal is met: all of it goes to the creator"
        return "The goal is not met: everybody has it back"

    def _backers(self) -> None:
        for word in BACKERS:
            self.user(word)
            self.deposit(word, str(PLEDGE))
        for word in BACKERS:
            self.credited(word, str(PLEDGE))

    def _open(self) -> None:
        if not self.diary.knows("deadline"):
            now = datetime.fromisoformat(self.sandbox.get("/control/clock")["now"])
            self.diary.keep("deadline", (now + timedelta(days=7)).isoformat())
        body: Json = {
            "creatorId": self.diary.name("creator"),
            "title": "Project X",
            "goal": self.goal,
            "deadline": self.diary.fact("deadline"),
            "holds": self.holds,
        }
        made = self.api.post("/campaigns", body, key=self.diary.name("open"))
        self.diary.keep("campaign", made["id"])

    def _pledge(self) -> None:
        orders = []
        for word in BACKERS:
            name = self.diary.name(f"pledge-{word}")
            body = {
                "buyerId": self.diary.name(word),
                "sellerId": self.diary.name("creator"),
                "amount": PLEDGE,
                "description": "Pledge for Project X",
                "campaignId": self.diary.fact("campaign"),
                "externalRef": name,
            }
            orders.append(self.api.post("/orders", body, key=name)["id"])
        self.diary.keep("orders", " ".join(orders))
        for order in orders:
            self.api.until(f"/orders/{order}", lambda o: o["status"] == self.pledged, "the pledge")

    def _settled(self) -> None:
        path = f"/campaigns/{self.diary.fact('campaign')}"
        state = self.api.until(
            path, lambda c: c["status"] not in {"OPEN", "SETTLING"}, "the settlement"
        )
        if state["status"] != self.ends:
            raise DoesNotAddUp(f"The campaign ended {state['status']}, not {self.ends}")

    def rows(self) -> list[Row]:
        """All of it is the creator's, or everybody has their own."""
        rows = []
        for word in ("creator", *BACKERS):
            held = self.chain_holds(self.diary.fact(f"{word} address"))
            rows.append(Row(word.capitalize(), "available", self.balance(word)["available"], held))
        met, each = self.ends == "SUCCEEDED", Decimal(PLEDGE)
        wanted = [each * 3, *[Decimal(0)] * 3] if met else [Decimal(0), *[each] * 3]
        if [row.books for row in rows] != wanted:
            raise DoesNotAddUp(f"{self._end()}: that is not where the money is")
        return rows


class Missed(Funded):
    """Held as reservations, and given back at the deadline without a call to the chain."""

    name = "campaign-missed"
    title = "Use case 6: a crowdfunding platform, goal not met"
    goal = 1000
    holds = "RESERVATION"
    pledged = "RESERVED"
    ends = "FAILED"

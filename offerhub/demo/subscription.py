"""Use case 5: two months of coaching come by themselves, and the third is cancelled half-way."""

from datetime import datetime, timedelta
from decimal import Decimal

from offerhub.demo.client import Json
from offerhub.demo.sale import Sale
from offerhub.demo.scenario import DoesNotAddUp, Row, Step


class Subscription(Sale):
    name = "subscription"
    title = "Use case 5: a subscription platform, cancelled in the middle"

    def steps(self) -> list[Step]:
        return [
            Step("customer", "Customer joins", lambda: self.user("customer")),
            Step("coach", "Coach joins", lambda: self.user("coach")),
            Step("deposit", "Customer sends 300 USDC", lambda: self.deposit("customer", "300")),
            Step("credit", "It is credited", lambda: self.credited("customer", "300")),
            Step("subscribe", "Coaching, 100 a month, in one call", self._subscribe),
            Step("first", "The first month is in its contract", lambda: self._until_month(0)),
            Step("month", "A month passes", lambda: self._pass_month(0)),
            Step("second", "Paid, and renewed by itself", lambda: self._until_month(1)),
            Step("month again", "Another month passes", lambda: self._pass_month(1)),
            Step("third", "Paid, and renewed by itself", lambda: self._until_month(2)),
            Step("half", "Half of the third month passes", lambda: self._pass_month(2, 0.5)),
            Step("cancel", "Customer cancels: the month is divided", self._cancel),
            Step("divided", "Each has their half", self._until_cancelled),
        ]

    @property
    def _path(self) -> str:
        return f"/subscriptions/{self.diary.fact('subscription')}"

    def _subscribe(self) -> None:
        name = self.diary.name("coaching")
        body = {
            "buyerId": self.diary.name("customer"),
            "sellerId": self.diary.name("coach"),
            "amount": 100,
            "interval": "month",
            "description": "Monthly coaching",
            "externalRef": name,
        }
        self.diary.keep("subscription", self.api.post("/subscriptions", body, key=name)["id"])

    def _until_month(self, index: int) -> None:
        """Wait until this month runs on money in its contract, and those before it are paid."""

        def reached(state: Json) -> bool:
            current, others = state["currentCycle"], state["openCycles"]
            if current is None or current["index"] != index:
                return False
            funded = current["orderStatus"] == "IN_PROGRESS"
            return funded and all(cycle["index"] >= index for cycle in others)

        self.api.until(self._path, reached, f"month {index + 1} to run")

    def _pass_month(self, index: int, part: float = 1.0) -> None:
        """Let the clock run to a part of a month. Done twice it does not run further."""
        cycles = self.api.get(f"{self._path}/cycles")["data"]
        month = next(cycle for cycle in cycles if cycle["index"] == index)
        starts, ends = (datetime.fromisoformat(month[name]) for name in ("startsAt", "endsAt"))
        wanted, clock = starts + (ends - starts) * part, f"{self._path}/cancellation"
        minutes = (wanted - _now(self.api.get(clock))) // timedelta(minutes=1) + 1
        if minutes > 0:
            self.pass_time(f"PT{minutes}M")
        # The product follows the sandbox's clock a moment later.
        self.api.until(clock, lambda answer: _now(answer) >= wanted, "the clock to run on")

    def _cancel(self) -> None:
        body = {"when": "NOW", "reason": "No time any more"}
        self.api.post(f"{self._path}/cancel", body, key=self.diary.name("cancel"))

    def _until_cancelled(self) -> None:
        self.api.until(self._path, lambda s: s["status"] == "CANCELLED", "the month to be divided")
        cycles = self.api.get(f"{self._path}/cycles")["data"]
        self.diary.keep("orders", " ".join(cycle["orderId"] for cycle in cycles))

    def rows(self) -> list[Row]:
        """Two months and a part of the third are the coach's, as the cycles say."""
        customer, coach = self.balance("customer"), self.balance("coach")
        holds, fact = self.chain_holds, self.diary.fact
        rows = [
            Row("Customer", "available", customer["total"], holds(fact("customer address"))),
            Row("Coach", "available", coach["available"], holds(fact("coach address"))),
        ]
        cycles = self.api.get(f"{self._path}/cycles")["data"]
        earned = [Decimal(cycle["shares"]["seller"]) for cycle in cycles]
        if earned[1:] != [Decimal(100), Decimal(100)] or not 50 <= earned[0] < 100:
            raise DoesNotAddUp("Two months and half of the third should be the coach's")
        if [row.books for row in rows] != [300 - sum(earned), sum(earned)]:
            raise DoesNotAddUp("The customer had 300; all that was not earned should be theirs")
        return rows


def _now(answer: Json) -> datetime:
    """The product's clock, as an answer shows it."""
    return datetime.fromisoformat(answer["asOf"])

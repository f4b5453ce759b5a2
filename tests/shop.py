"""A marketplace with one of everything, made through its API: for tests that call every route."""

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from stellar_sdk import Keypair

from tests.http import Api

SALE = {"buyerId": "ann", "sellerId": "bob", "amount": 60}
MONTHLY = {"buyerId": "ann", "sellerId": "bob", "amount": 1, "interval": "month"}
# An address of somebody's book; its form alone is looked at.
DESTINATION = {"label": "Mine", "destination": Keypair.random().public_key}
REPORT = {"type": "fees.v1", "format": "csv"}
MONTH = {"from": "2026-10-01", "to": "2026-11-01"}
AT_ONCE = {"Prefer": "respond-async"}


class Shop:
    """`ids` has one id for each variable of a path, `bodies` a good body for each write.

    `mint(address, amount)` sends money on the network; `work()` lets the product's jobs go on, in
    a test by running them, beside a running instance by waiting. `able` is an address that can
    receive.
    """

    def __init__(
        self, api: Api, mint: Callable[[str, str], Any], work: Callable[[], Any], able: str
    ) -> None:
        self.api, self.mint, self.work = api, mint, work
        ann, bob = self._user("ann"), self._user("bob")
        self._pay("ann", "200")
        order, escrow, operation = self._funded(60)
        out = {"userId": "ann", "amount": "5", "destination": able}
        self.ids: dict[str, str] = {
            "userId": ann,
            "orderId": order,
            "escrowId": escrow,
            "operationId": operation,
            "withdrawalId": self._made("/withdrawals", out),
            "batchId": self._made("/withdrawals/batch", {"items": [out]}),
            "destinationId": self._made("/users/ann/destinations", DESTINATION),
            "depositId": api.get("/deposits?userId=ann")["data"][0]["id"],
            "disputeId": self._dispute(),
            "campaignId": self._campaign(),
            "subscriptionId": self._subscription(),
            "runId": self._made("/reconciliation/runs", {}),
            "proofId": self._made("/proofs", {}),
            "reportRunId": self._made("/reports/runs", REPORT | MONTH),
            "scheduleId": self._made("/reports/schedules", self._schedule()),
            **self._events(),
        }
        self.forms = {f"/disputes/{self.ids['disputeId']}/evidence"}
        self.bodies = self._bodies(ann, bob, out)

    def _made(self, path: str, body: Any) -> str:
        """The id of what a POST makes, whether or not the network is done with it."""
        answer = self.api.request("POST", path, body, AT_ONCE)
        assert answer.status_code in (200, 201, 202), f"{path}: {answer.text}"
        return str(answer.json()["id"])

    def _until(self, path: str, is_so: Callable[[Any], bool]) -> None:
        """Let the product work until what a GET answers is so; 40 s at most."""
        deadline = time.monotonic() + 40
        while not is_so(found := self.api.get(path)):
            assert time.monotonic() < deadline, f"{path}: {found}"
            self.work()

    def _user(self, name: str) -> str:
        made = self._made("/users", {"externalId": name})
        self._until(f"/users/{name}/wallet", lambda wallet: wallet["status"] == "ACTIVE")
        return made

    def _pay(self, name: str, amount: str) -> None:
        self.mint(self.api.get(f"/users/{name}/wallet")["address"], amount)
        self._until(f"/users/{name}/balance", lambda balance: balance["available"] != "0.00")

    def _funded(self, amount: int) -> tuple[str, str, str]:
        """An order in progress: its id, its escrow's and that of the call that funded it."""
        order = self._made("/orders", SALE | {"amount": amount, "autoFund": True})
        self._until(f"/orders/{order}", lambda found: found["status"] == "IN_PROGRESS")
        escrow = self.api.get(f"/orders/{order}")["escrowId"]
        happened = self.api.get(f"/orders/{order}/timeline")["data"]
        calls = [event["payload"].get("operationId") for event in happened]
        return order, escrow, str(next(filter(None, reversed(calls))))

    def _dispute(self) -> str:
        """Of an order of its own, with a word of each party in it."""
        order, _, _ = self._funded(30)
        dispute = self._made("/disputes", {"orderId": order, "reason": "Broken"})
        word = {"by": "buyer", "text": "It is"}
        self.api.post(f"/disputes/{dispute}/statements", word, status=201)
        self.api.post(f"/disputes/{dispute}/messages", word, status=201)
        return dispute

    def _now(self) -> datetime:
        """The product's time."""
        return datetime.fromisoformat(self.api.get("/users/ann/balance")["asOf"])

    def _project(self, creator: str) -> dict[str, Any]:
        deadline = (self._now() + timedelta(days=10)).isoformat()
        body = {"creatorId": creator, "title": "Ours", "goal": 100, "deadline": deadline}
        return body | {"holds": "RESERVATION"}

    def _campaign(self) -> str:
        """Open, with a pledge."""
        campaign = self._made("/campaigns", self._project("bob"))
        self._made("/orders", SALE | {"amount": 1, "campaignId": campaign})
        return campaign

    def _subscription(self) -> str:
        """One that begins next week."""
        begins = (self._now() + timedelta(days=7)).isoformat()
        return self._made("/subscriptions", MONTHLY | {"startsAt": begins})

    @staticmethod
    def _schedule() -> dict[str, Any]:
        return REPORT | {"name": "Ours", "cadence": "DAILY", "hour": 1, "recipients": []}

    def _events(self) -> dict[str, str]:
        """An endpoint that hears of its own test alone, the delivery of it, and its event."""
        new = {"url": "https://example.com/hooks", "types": ["webhook_endpoint.*"]}
        endpoint = self._made("/webhook-endpoints", new)
        tested = self.api.request("POST", f"/webhook-endpoints/{endpoint}/test", {}, AT_ONCE)
        delivery = tested.json()
        return {
            "endpointId": endpoint,
            "deliveryId": delivery["id"],
            "eventId": delivery["eventId"],
        }

    def _bodies(self, ann: str, bob: str, out: dict[str, Any]) -> dict[str, Any]:
        """By path. Writes without an id in the path name what they are about in the body."""
        ids, word = self.ids, {"by": "buyer", "text": "Mine"}
        order, dispute = {"orderId": ids["orderId"]}, f"/disputes/{ids['disputeId']}"
        return {
            "/orders": SALE | {"buyerId": ann, "sellerId": bob},
            "/escrow": order,
            "/resolution/release": order,
            "/resolution/refund": order,
            f"/orders/{ids['orderId']}/extend": {"by": "P1D"},
            "/disputes": order | {"reason": "Mine"},
            f"{dispute}/statements": word,
            f"{dispute}/messages": word,
            f"{dispute}/resolve": {"decision": "REFUND"},
            "/campaigns": self._project(bob),
            f"/users/{ann}/destinations": DESTINATION,
            f"/operations/{ids['operationId']}/signature": {"signedXdr": "AAAA"},
            "/withdrawals": out | {"userId": ann},
            "/subscriptions": MONTHLY | {"buyerId": ann, "sellerId": bob},
            f"/subscriptions/{ids['subscriptionId']}/cancel": {"when": "NOW"},
            "/reports/runs": REPORT | MONTH | {"type": "account.statement.v1", "userId": ann},
            f"/webhook-endpoints/{ids['endpointId']}/replay": {"since": "2026-01-01T00:00:00Z"},
            "/sandbox/deposits": {"userId": ann, "amount": 1},
            "/sandbox/faults": {"on": "LOOK_UP", "answer": "503", "userId": ann},
        }

    def path(self, template: str, ids: dict[str, str] | None = None) -> str:
        """A route's path below /api/v1 with our own ids in it, or with these. A variable without
        one fails: add it above."""
        path = template.removeprefix("/api/v1")
        found = dict(ids or self.ids)
        if path.startswith("/reports/"):
            found["runId"] = found["reportRunId"]
        return re.sub(r"\{(\w+)\}", lambda name: found[name.group(1)], path)


def leave_nothing(api: Api) -> None:
    """End what comes again or would be sent to somebody, all of the marketplace."""
    for schedule in api.get("/reports/schedules?limit=100")["data"]:
        api.request("PATCH", f"/reports/schedules/{schedule['id']}", {"isActive": False})
    for endpoint in api.get("/webhook-endpoints?limit=100")["data"]:
        api.request("DELETE", f"/webhook-endpoints/{endpoint['id']}")

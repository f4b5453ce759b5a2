"""Known defects of orchestrators, one test each: who may do what. tests/README.md has the table."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import get_resolver
from requests import Response
from stellar_sdk import Keypair

from offerhub.api.permissions import ANY_KEY, PUBLIC
from offerhub.api.routes import Route, routes
from offerhub.core import clock
from orders.models import Escrow, EscrowOperation
from tests.http import Api
from tests.network import Network
from tests.world import World

# The one route that takes a form.
FORM = (
    {"Content-Type": "multipart/form-data; boundary=x"},
    (
        '--x\r\nContent-Disposition: form-data; name="by"\r\n\r\nbuyer\r\n'
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nMine'
        "\r\n--x--\r\n"
    ),
)
# An address of somebody's book; its form alone is looked at.
DESTINATION = {"label": "Mine", "destination": Keypair.random().public_key}
SALE = {"buyerId": "ann", "sellerId": "bob", "amount": 60}
MONTHLY = {"buyerId": "ann", "sellerId": "bob", "amount": 1, "interval": "month"}
NAMING_USERS = ("/campaigns", "/orders", "/subscriptions", "/withdrawals")


# Rows that take a finished report, a comparison or a delivery to make: that no other marketplace
# sees them is tested in tests/events, tests/reports and tests/reconciliation.
WITH_TESTS_OF_THEIR_OWN = (
    *("eventId", "endpointId", "deliveryId", "runId", "scheduleId", "differenceId", "proofId"),
)


class Shop:
    """A marketplace with one of everything, and the ids of it all."""

    def __init__(self, world: World, api: Api) -> None:
        self.world, self.api = world, api
        ann, bob = world.user("ann", money="200"), world.user("bob")
        order = world.funded(api, SALE)
        body = {"userId": "ann", "amount": "5", "destination": world.stranger()}
        self.destination = body["destination"]
        self.ids = {
            "userId": ann.id,
            "orderId": order,
            "escrowId": Escrow.objects.get(order=order).id,
            "operationId": EscrowOperation.objects.filter(order=order)[0].id,
            "withdrawalId": api.post("/withdrawals", body, status=201)["id"],
            "batchId": api.post("/withdrawals/batch", {"items": [body]}, status=201)["id"],
            "destinationId": api.post("/users/ann/destinations", DESTINATION, status=201)["id"],
            "depositId": api.get("/deposits?userId=ann")["data"][0]["id"],
            "disputeId": self._dispute(),
            "campaignId": self._campaign(),
            "subscriptionId": self._subscription(),
        }
        self.forms = {f"/disputes/{self.ids['disputeId']}/evidence"}
        # Writes without an id in the path name what they are about in the body.
        self.bodies = {
            "/orders": SALE | {"buyerId": ann.id, "sellerId": bob.id},
            "/escrow": {"orderId": order},
            "/resolution/release": {"orderId": order},
            f"/orders/{order}/extend": {"by": "P1D"},
            "/resolution/refund": {"orderId": order},
            "/disputes": {"orderId": order, "reason": "Mine"},
            "/campaigns": self._project(bob.id),
            f"/users/{ann.id}/destinations": DESTINATION,
            f"/operations/{self.ids['operationId']}/signature": {"signedXdr": "AAAA"},
            **self._words(),
            "/withdrawals": body | {"userId": ann.id},
            "/subscriptions": MONTHLY | {"buyerId": ann.id, "sellerId": bob.id},
            f"/subscriptions/{self.ids['subscriptionId']}/cancel": {"when": "NOW"},
        }

    def _dispute(self) -> str:
        """Of an order of its own, with a word of each party in it."""
        order = self.world.funded(self.api, SALE | {"amount": 30})
        body = {"orderId": order, "reason": "Broken"}
        dispute: str = self.api.post("/disputes", body, status=201)["id"]
        word = {"by": "buyer", "text": "It is"}
        self.api.post(f"/disputes/{dispute}/statements", word, status=201)
        self.api.post(f"/disputes/{dispute}/messages", word, status=201)
        return dispute

    def _project(self, creator: str) -> dict[str, Any]:
        deadline = (clock.now() + timedelta(days=10)).isoformat()
        body = {"creatorId": creator, "title": "Ours", "goal": 100, "deadline": deadline}
        return body | {"holds": "RESERVATION"}

    def _campaign(self) -> str:
        """Open, with a pledge."""
        campaign: str = self.api.post("/campaigns", self._project("bob"), status=201)["id"]
        self.api.post("/orders", SALE | {"amount": 1, "campaignId": campaign}, status=201)
        return campaign

    def _subscription(self) -> str:
        """One that begins next week."""
        begins = (clock.now() + timedelta(days=7)).isoformat()
        made = self.api.post("/subscriptions", MONTHLY | {"startsAt": begins}, status=201)
        return str(made["id"])

    def _words(self) -> dict[str, Any]:
        """What may be said about the dispute, by path."""
        path, word = f"/disputes/{self.ids['disputeId']}", {"by": "buyer", "text": "Mine"}
        return {
            f"{path}/statements": word,
            f"{path}/messages": word,
            f"{path}/resolve": {"decision": "REFUND"},
        }

    def path(self, route: Route) -> str:
        """The route's path with our own ids in it. A variable without one fails: add it above."""
        path = route.path.removeprefix("/api/v1")
        known = self.ids | dict.fromkeys(WITH_TESTS_OF_THEIR_OWN, "none")
        return re.sub(r"\{(\w+)\}", lambda name: known[name.group(1)], path)

    def everything(self) -> list[Any]:
        """Every answer about what is there; times of reading aside."""
        others = (*WITH_TESTS_OF_THEIR_OWN, "userId}/proof")
        reads = [r for r in routes() if "GET" in r.methods and "{" in r.path]
        reads = [r for r in reads if not any(name in r.path for name in others)]
        answers = [self.api.get(self.path(route)) for route in reads]
        return [{k: v for k, v in answer.items() if k != "asOf"} for answer in answers]


# --- U5 ----------------------------------------------------------------------------------------
def test_no_route_shows_or_changes_anything_of_another_marketplace(
    world: World, api: Api, network: Network, server: str
) -> None:
    """Every route of the URLconf, called by a stranger with every scope and all of our ids."""
    shop = Shop(world, api)
    before = shop.everything()
    stranger = Api(server, World(network).key())
    leaks: list[tuple[str, str, object]] = []
    for route in routes():
        for method in route.methods:
            if route.view.scopes[method] in (PUBLIC, ANY_KEY):
                continue
            path = shop.path(route)
            body = None if method == "GET" else shop.bodies.get(path, {})
            headers, body = FORM if path in shop.forms and method == "POST" else ({}, body)
            answer = stranger.request(method, path, body, headers)
            if "{" in route.path or (path in shop.bodies and method == "POST"):
                expected = {404} if path not in NAMING_USERS else {422, 404}
                if answer.status_code not in expected:
                    leaks.append((method, route.path, answer.status_code))
            if any(id in answer.text for id in _answered(shop, answer)):
                leaks.append((method, route.path, answer.text))
    assert leaks == []
    assert shop.everything() == before


def _answered(shop: Shop, answer: Response) -> list[str]:
    """Ids that must not be told: in a list or a stream none of ours; a refusal may repeat what was
    sent."""
    is_json = "json" in answer.headers.get("Content-Type", "")
    return list(shop.ids.values()) if not is_json or "data" in answer.json() else []


# --- U2 ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("header", ["", "sha256=0", "v1,AAAA"])
def test_inbound_webhook_unsigned_is_401(world: World, api: Api, header: str) -> None:
    """Nobody can tell us that the chain did something: we look. Where there is a way in for
    webhooks at all, it refuses what is not signed; today there is none, and every write wants a
    key."""
    world.user("ann", money="100")
    bob = world.user("bob")
    order = world.funded(api, SALE)
    nobody = Api(api.url.removesuffix("/api/v1"), "")
    forged = {"type": "escrow.released", "data": {"orderId": order}}
    for path in ("/webhooks/trustless-work", "/webhooks"):
        answer = nobody.request("POST", path, forged, {"Authorization": "", "X-Signature": header})
        assert answer.status_code in (401, 404)
    writes = [(r, m) for r in routes() for m in r.methods if m != "GET"]
    assert [r.path for r, m in writes if r.view.scopes[m] == PUBLIC] == []
    assert world.balance(bob)["available"] == "0.00"
    assert api.get(f"/orders/{order}")["status"] == "IN_PROGRESS"


# --- U3 ----------------------------------------------------------------------------------------
def test_token_only_for_self(api: Api) -> None:
    """No key can make, read or change another key: keys come from staff only."""
    named = [r for r in routes() if re.search(r"key|token|auth|login", r.path.lower())]
    # The public half of what proofs of funds are signed with, to be read.
    assert [(r.path, list(r.methods)) for r in named] == [("/api/v1/proofs/key", ["GET"])]
    me = api.get("/me")
    assert api.key not in str(me)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert api.request(method, "/me", {"scopes": ["orders:write"]}).status_code == 405


# --- U4 ----------------------------------------------------------------------------------------
def test_no_route_makes_money(world: World, api: Api) -> None:
    """No way into a balance but the chain: not a route of the URLconf, under any name."""
    ann = world.user("ann", money="1")
    paths = [str(path) for path in get_resolver().reverse_dict]
    assert [p for p in paths if re.search(r"credit|debit|adjust|mint", p)] == []
    balance = [r for r in routes() if "balance" in r.path or r.path.endswith("/statement")]
    assert balance
    assert {method for route in balance for method in route.methods} == {"GET"}
    for verb in ("credit", "debit", "deposit", "adjust"):
        path = f"/users/{ann.id}/balance/{verb}"
        assert api.request("POST", path, {"amount": "1000"}).status_code == 404
    assert api.request("POST", f"/users/{ann.id}/balance", {"amount": "1"}).status_code == 405
    assert api.request("POST", "/deposits", {"userId": "ann", "amount": "1"}).status_code == 405
    assert world.balance(ann)["available"] == "1.00"

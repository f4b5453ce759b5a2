"""Known defects of orchestrators, one test each: who may do what. tests/README.md has the table."""

import re
from typing import Any

import pytest
from django.urls import get_resolver

from offerhub.api.permissions import PUBLIC
from offerhub.api.routes import routes
from tests.defects.principals import Table, calls, shop_of
from tests.http import Api
from tests.network import Network
from tests.shop import SALE, Shop, leave_nothing
from tests.world import World

OUTSIDERS = ("anonymous", "unknown", "revoked", "expired", "wrong scope", "other tenant")


# --- U5 ----------------------------------------------------------------------------------------
def test_no_route_shows_or_changes_anything_of_another_marketplace(
    world: World, api: Api, network: Network
) -> None:
    """Every route of the URLconf × every principal: those outside hear what the table says and
    change nothing; whoever has the right key is let in everywhere."""
    shop = shop_of(world, api)
    table = Table(shop, world, network)
    assert list(table.columns) == [*OUTSIDERS, "right"]
    before = everything(shop)
    heard = [
        (principal, method, route.path, table.columns[principal](route, method))
        for principal in OUTSIDERS
        for route, method in calls()
    ]
    after = everything(shop)
    heard += [("right", m, r.path, table.columns["right"](r, m)) for r, m in calls()]
    leave_nothing(api)
    leave_nothing(table.stranger)
    misses = [row for row in heard if row[-1]]
    assert misses == [], "\n".join(map(str, misses))
    assert after == before
    assert len(heard) == 7 * len(calls()) == len({row[:3] for row in heard})


def everything(shop: Shop) -> list[Any]:
    """Every answer about what is there; times of reading aside."""
    reads = [r for r, method in calls() if method == "GET" and "{" in r.path]
    reads = [r for r in reads if not r.path.endswith("/file")]
    answers = [shop.api.get(shop.path(route.path)) for route in reads]
    return [{k: v for k, v in answer.items() if k != "asOf"} for answer in answers]


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

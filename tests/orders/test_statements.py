"""How many SQL statements the hot paths send. A higher number is a decision, not an accident.

Counted on the connection that answers the request; BEGIN and COMMIT are not counted.
"""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from offerhub.core import jobs
from orders import escrow_services, services
from tests.statements import Statements
from tests.world import ACTOR, World

CONTROL = {"BEGIN", "COMMIT"}


class Counted:
    """Calls the API in this thread, so that its statements can be counted."""

    def __init__(self, world: World) -> None:
        self.client = Client(HTTP_AUTHORIZATION=f"Bearer {world.key()}", HTTP_HOST="localhost")
        self.call("GET", "/me")  # the key is now known to this process, as in a running one

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """How many statements the request took, and its decoded answer."""
        with Statements(connection) as captured:
            answer = self.client.generic(
                method,
                f"/api/v1{path}",
                "" if body is None else json.dumps(body),
                content_type="application/json",
            )
        assert answer.status_code < 300, answer.content
        return _count(captured), answer.json()


def _count(captured: Statements) -> int:
    texts = [query["sql"] for query in captured.captured_queries]
    return sum(text not in CONTROL for text in texts)


@pytest.fixture
def counted(world: World) -> Counted:
    """Ann has 100 and an order, Bob sells."""
    world.user("ann", money="100")
    world.user("bob")
    return Counted(world)


def test_creating_reserving_and_reading(counted: Counted) -> None:
    sale = {"buyerId": "ann", "sellerId": "bob", "amount": 10}
    created, order = counted.call("POST", "/orders", sale)
    reserved, _ = counted.call("POST", f"/orders/{order['id']}/reserve")
    read, _ = counted.call("GET", f"/orders/{order['id']}")
    listed, _ = counted.call("GET", "/orders")
    balance, _ = counted.call("GET", "/users/ann/balance")
    assert (created, reserved, read, listed, balance) == (3, 4, 1, 2, 1)


def test_a_whole_sale(counted: Counted, world: World) -> None:
    """Requests and chain calls of create, reserve, deploy, fund, complete, approve, release."""
    tenant = world.marketplace.id
    counts = {}

    def run(name: str, request: Any) -> Any:
        with Statements(connection) as captured:
            with jobs.held() as rings:
                result = request()
            for ring in rings:
                jobs.run(*ring)
        counts[name] = _count(captured)
        return result

    new = services.NewOrder("ann", "bob", 10 * 10**7)
    order = run(
        "create", lambda: services.create_order(marketplace_id=tenant, new=new, actor=ACTOR)
    )
    common: Any = {"marketplace_id": tenant, "actor": ACTOR}
    run("reserve", lambda: services.reserve(order_id=order.id, **common))
    escrow = run("deploy", lambda: escrow_services.request_deploy(order_id=order.id, **common))
    run("fund", lambda: escrow_services.request_fund(escrow_id=escrow.id, **common))
    run(
        "release",
        lambda: escrow_services.request_release(
            order_id=order.id, milestone_ref="m1", action="release", **common
        ),
    )
    assert counts == {"create": 2, "reserve": 3, "deploy": 10, "fund": 7, "release": 18}

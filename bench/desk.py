"""The desk's pages with 100,000 orders and 10,000 disputes: server time and statements of each.

    python -m bench desk

The rows are written straight into the database of an instance of its own; the case that is opened
is a real one, with its money frozen on the sandbox. Times are the median of a page's own answers
in one process that does nothing else, beside the time of the sign-in page in the same run.
"""

import json
from typing import Any

from bench.http import Market
from bench.instance import Instance, beside, running

Row = dict[str, Any]


def run() -> list[Row]:
    """One row per page: name, ms (median), statements, and the ratio to the sign-in page."""
    with running() as instance:
        case = real_dispute(instance)
        rows: list[Row] = json.loads(beside(instance, "bench.desk_pages", OFFERHUB_BENCH_CASE=case))
        return rows


def real_dispute(instance: Instance) -> str:
    """An order in progress that its buyer disputes; the dispute's id."""
    market = Market(instance)
    buyer, seller = market.user("buyer", money="300"), market.user("seller")
    market.await_money(buyer)
    call = market.client.call
    parts = [{"id": f"m{i}", "description": f"Part {i}", "amount": 100} for i in (1, 2, 3)]
    sale = {"buyerId": buyer, "sellerId": seller, "amount": 300, "milestones": parts}
    _, order = call("POST", "/api/v1/orders", sale)
    call("POST", f"/api/v1/orders/{order['id']}/reserve", {})
    _, escrow = call("POST", "/api/v1/escrow", {"orderId": order["id"]})
    call("POST", f"/api/v1/escrow/{escrow['id']}/fund", {})
    body = {"orderId": order["id"], "milestoneId": "m2", "reason": "Not as described"}
    status, dispute = call("POST", "/api/v1/disputes", body)
    assert status == 201, dispute
    return str(dispute["id"])

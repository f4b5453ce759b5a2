"""Fills a database and times the desk's pages in it; started by `bench.desk`."""

import json
import os
import statistics
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "offerhub.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from offerhub.marketplaces.models import StaffUser  # noqa: E402

ORDERS, DISPUTES, TURNS = 100_000, 10_000, 15

# Ids sort by time as real ones do; every tenth order has a dispute, nine of ten of them closed.
FILL = """
SET session_replication_role = replica;
INSERT INTO orders_order (id, marketplace_id, external_ref, buyer_id, seller_id, amount, title,
    description, metadata, status, milestones_left, milestones_released, platform_fee_percent,
    version, created_at, updated_at)
SELECT 'ord_00' || lpad(n::text, 24, '0'), m.id, 'ref-' || n, u.buyer, u.seller, 1000000000, '',
    'Order ' || n, '{}', CASE WHEN n %% 10 > 0 THEN 'COMPLETED' WHEN n %% 100 > 0 THEN 'REFUNDED'
    ELSE 'DISPUTED' END, (n %% 100 = 0)::int, 0, 0, 3, now() - n * interval '5 minutes', now()
FROM generate_series(1, %(orders)s) n,
    (SELECT marketplace_id AS id FROM orders_order LIMIT 1) m,
    (SELECT buyer_id AS buyer, seller_id AS seller FROM orders_order LIMIT 1) u;
INSERT INTO orders_milestone (id, order_id, position, ref, description, amount, status, evidence,
    paid_seller, paid_buyer, fee_platform, fee_protocol)
SELECT 'mil_00' || substr(id, 7), id, 0, 'm1', description, amount,
    CASE status WHEN 'COMPLETED' THEN 'RELEASED' ELSE status END, '', 0, 0, 0, 0
FROM orders_order WHERE id LIKE 'ord\\_00%%';
INSERT INTO disputes_dispute (id, marketplace_id, order_id, opened_by, reason, description, status,
    amount, first_answer_due_at, decision_due_at, waiting_for, party_spoke_at, staff_spoke_at,
    proposal_id, decision, decision_text, conceded, version, created_at, closed_at)
SELECT 'dsp_00' || substr(id, 7), marketplace_id, id, 'BUYER', 'Not as described', '',
    CASE WHEN status = 'DISPUTED' THEN 'OPEN' ELSE 'RESOLVED' END, amount,
    created_at + interval '1 day', created_at + interval '5 days', '', created_at, now(), '', '',
    '', false, 1, created_at, CASE WHEN status = 'DISPUTED' THEN NULL ELSE created_at END
FROM orders_order WHERE id LIKE 'ord\\_00%%' AND status <> 'COMPLETED';
INSERT INTO disputes_disputedmilestone (dispute_id, milestone_id, is_open, to_seller, to_buyer)
SELECT id, 'mil_00' || substr(id, 7), status = 'OPEN', 0, 0
FROM disputes_dispute WHERE id LIKE 'dsp\\_00%%';
SET session_replication_role = DEFAULT;
"""


def main() -> None:
    """Fill, look at each page, print the rows as one line of JSON."""
    with connection.cursor() as cursor:
        for statement in FILL.split(";\n"):
            if statement.strip():
                cursor.execute(statement, {"orders": ORDERS})
        cursor.execute("ANALYZE")
    user = StaffUser.objects.filter(groups__name="support").first()
    assert user is not None
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    case = os.environ["OFFERHUB_BENCH_CASE"]
    pages = {
        "sign-in page": "/admin/login/",
        "home": "/admin/",
        "queue of disputes": "/admin/cases/",
        "closed disputes": "/admin/cases/?tab=closed",
        "case": f"/admin/cases/{case}/",
        "orders": "/admin/orders/order/",
    }
    rows = [
        row(Client(SERVER_NAME="localhost") if name == "sign-in page" else client, name, url)
        for name, url in pages.items()
    ]
    floor = rows[0]["ms"]
    print(json.dumps([{**one, "ratio": round(one["ms"] / floor, 1)} for one in rows]))  # noqa: T201


def row(client: Client, name: str, url: str) -> dict[str, Any]:
    """The median of a page's answers, and the statements of one."""
    client.get(url)
    statements: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        answer = client.get(url)
    assert answer.status_code == 200, (name, answer.status_code)
    times = []
    for _ in range(TURNS):
        begun = time.perf_counter()
        client.get(url)
        times.append((time.perf_counter() - begun) * 1000)
    return {"name": name, "ms": round(statistics.median(times), 1), "statements": len(statements)}


if __name__ == "__main__":
    main()

"""Operations under the limit, through the real adapters to a provider that enforces it."""

import threading
import time
from typing import Any

import pytest
from django.db import connection, connections

from offerhub.budget.models import Turn
from offerhub.core import jobs
from offerhub.users.models import Wallet
from offerhub.worker import Worker
from orders.models import EscrowOperation
from tests.budget.conftest import Limited, empty
from tests.budget.sales import done, funded, live, release
from tests.http import Api
from tests.statements import Statements
from tests.world import World

SECONDS = 4.0


@pytest.fixture
def provider(world: World) -> Any:
    """The sandbox enforces a limit, until the test is over."""

    def limit(count: int, seconds: float = SECONDS) -> None:
        world.network.control("provider-limit", {"perMinute": count, "seconds": seconds})

    yield limit
    limit(0)


def use_up(count: int) -> None:
    """So many requests were made just now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE budget_bucket SET used = array_fill(clock_timestamp(), ARRAY[%s])", [count]
        )


def run(operation: EscrowOperation) -> jobs.Step:
    """One run, as a worker does it."""
    return jobs.step("orders.operation", operation.pk)


def test_two_workers_that_want_far_more_than_the_limit_are_never_refused(
    world: World, provider: Any, limited: Limited
) -> None:
    orders = funded(world, 6)
    provider(12)
    limited(12, SECONDS, margin=1.0)
    for order in orders:
        release(world, order)
    connections.close_all()
    workers = [Worker(4), Worker(4)]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 60
    while time.monotonic() < until and any(done(order) != "COMPLETED" for order in orders):
        time.sleep(0.1)
    for worker in workers:
        worker.stop()
    for thread in threads:
        thread.join()
    assert [done(order) for order in orders] == ["COMPLETED"] * 6
    seen = world.network.control("provider-limit")
    assert (seen["requests"], seen["refused"]) == (36, 0)
    assert seen["most"] <= 12
    assert not Turn.objects.exists()
    assert world.differences() == []


def test_what_waits_holds_neither_its_account_nor_a_lease_and_says_until_when(
    world: World, api: Api, limited: Limited
) -> None:
    (order,) = funded(world, 1)
    limited(20, 60.0)
    use_up(20)
    release(world, order)
    row = live(order)
    assert run(row).later == pytest.approx(60, abs=1)
    assert Wallet.objects.get(pk=row.source_wallet_id).lane == ""
    after = live(order)
    assert (after.lease, after.lease_until, after.attempts) == ("", None, 0)
    shown = api.get(f"/operations/{row.pk}")
    assert (shown["status"], shown["nextStep"]) == ("PENDING", "AWAIT_TURN")
    assert shown["problem"]["code"] == "provider_limit"
    assert shown["estimatedEnd"] is not None
    assert api.get(f"/orders/{order.id}")["operation"]["nextStep"] == "AWAIT_TURN"
    budget = api.get("/provider-budget")
    assert (budget["limit"], budget["used"], budget["blockedUntil"]) == (20, 20, None)
    (waiting,) = budget["waiting"]
    assert (waiting["lane"], waiting["operations"], waiting["requests"]) == ("ORDER", 1, 6)
    empty_but_for_its_turn()
    assert jobs.SWEEPS["orders.operations"].find()[0] == ("orders.operation", row.pk)
    assert [run(live(order)).later for _ in range(3)] == [None] * 3
    assert done(order) == "COMPLETED"
    assert api.get("/provider-budget")["waiting"] == []


def empty_but_for_its_turn() -> None:
    """The window is over; whoever waited still does."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE budget_bucket SET used = '{}'")


def test_another_marketplace_does_not_see_who_waits(
    world: World, server: str, limited: Limited
) -> None:
    (order,) = funded(world, 1)
    limited(20, 60.0)
    use_up(20)
    release(world, order)
    run(live(order))
    stranger = World(world.network)
    other = Api(server, stranger.key("operations:read"))
    assert other.get("/provider-budget")["waiting"] == []
    other.get(f"/operations/{live(order).pk}", status=404)
    Api(server, stranger.key("orders:read")).get("/provider-budget", status=403)


def test_a_request_that_waits_goes_before_what_nobody_waits_for(
    world: World, limited: Limited
) -> None:
    """The lane of the plan is the ordinary one; a person's patience makes it the first."""
    first, second = funded(world, 2)
    limited(20, 60.0)
    use_up(20)
    release(world, first)
    release(world, second)
    run(live(first))
    jobs.run("orders.operation", live(second).pk, patience=0.01)
    assert {turn.subject: turn.lane for turn in Turn.objects.all()} == {first.id: 2, second.id: 1}


def test_an_answer_over_the_limit_holds_every_operation(world: World, limited: Limited) -> None:
    """Another program uses the key. The provider names a second, and nobody asks within it."""
    first, second = funded(world, 2)
    limited(50, 60.0)
    for order in (first, second):
        release(world, order, "complete")
    world.network.fault("429", "/escrow/")
    before = world.network.control("provider-limit")["requests"]
    assert run(live(first)).later == pytest.approx(1, abs=0.3)
    assert live(first).problem == {
        "code": "http_429",
        "detail": "http_429: ThrottlerException: Too Many Requests",
    }
    later = run(live(second)).later
    assert later is not None and 0 < later <= 1.2
    assert (live(second).problem or {})["code"] == "provider_limit"
    assert world.network.control("provider-limit")["requests"] == before + 1
    world.settle()
    assert not EscrowOperation.objects.filter(order__in=[first, second], status="FAILED").exists()


def test_an_envelope_on_its_way_is_looked_up_without_a_request(
    world: World, limited: Limited
) -> None:
    """The answer to the sending was lost; whether it is in a ledger the ledger says."""
    (order,) = funded(world, 1)
    limited(20, 60.0)
    release(world, order, "complete")
    world.network.fault("504-after", "/helper/send-transaction")
    row = live(order)
    run(row)
    use_up(20)
    world.settle()
    row.refresh_from_db()
    assert row.status == "CONFIRMED"


def test_the_limit_costs_no_statement_when_it_is_off_and_none_more_when_there_is_room(
    world: World, limited: Limited
) -> None:
    off, on = funded(world, 2)
    counts = []
    for order, limit in ((off, 0), (on, 50)):
        limited(limit)
        release(world, order, "complete")
        row = live(order)
        with Statements(connection) as seen:
            run(row)
        counts.append(len(seen))
        texts = " ".join(query["sql"] for query in seen.captured_queries)
        assert ("budget_" in texts) == bool(limit)
    assert counts[0] == counts[1]
    empty()


def test_a_plan_that_ended_elsewhere_is_forgotten(world: World, limited: Limited) -> None:
    """Its turn would hold up all that come after it."""
    (order,) = funded(world, 1)
    limited(20, 60.0)
    use_up(20)
    release(world, order, "complete")
    row = live(order)
    run(row)
    EscrowOperation.objects.filter(pk=row.pk).update(status="FAILED")
    empty_but_for_its_turn()
    jobs.SWEEPS["orders.operations"].find()
    assert not Turn.objects.filter(subject=order.id).exists()

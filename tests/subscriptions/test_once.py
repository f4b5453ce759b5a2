"""Charged once: twenty schedulers, clocks that disagree, workers that die, a failing contract."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
import time_machine
from django.db import connection, connections

from offerhub.core import clock, jobs
from offerhub.events.models import Event
from offerhub.subscriptions import services, tasks
from offerhub.subscriptions.cancellation import When
from offerhub.subscriptions.models import Cycle, Subscription
from orders import outcomes
from orders.models import EscrowOperation, Order
from orders.querysets import CLOCKS
from tests.crash.scene import let_the_lease_run_out
from tests.crash.workers import Killed
from tests.statements import Statements
from tests.subscriptions.scene import Scene
from tests.world import ACTOR


def sweep(scene: Scene) -> int:
    """One scheduler: the sweep, and the jobs of this subscription; how many those were."""
    mine = [ring for ring in tasks.due() if ring[1] == scene.id]
    with jobs.held():
        for name, row in mine:
            jobs.step(name, row)
    return len(mine)


def due_in(scene: Scene, **length: int) -> None:
    """Let the clock run to so long before the second cycle is prepared, and do nothing yet."""
    begins = datetime.fromisoformat(scene.read()["nextStep"]["at"])
    minutes = (begins - timedelta(**length) - clock.now()) // timedelta(minutes=1)
    scene.world.network.advance(f"PT{minutes}M")
    scene.world.watch()


def test_twenty_schedulers_at_once_charge_each_cycle_once(scene: Scene) -> None:
    scene.subscribe()
    due_in(scene, minutes=-5)
    gate = Barrier(20)

    def run(_: int) -> int:
        try:
            rings = [ring for ring in tasks.due() if ring[1] == scene.id]
            gate.wait()
            with jobs.held():
                for name, row in rings:
                    jobs.step(name, row)
            return len(rings)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(run, range(20)))
    assert sum(found) == 20  # all of them saw it as due
    assert scene.cycles() == [(0, "OPEN"), (1, "OPEN")]
    assert (len(scene.orders), scene.available()) == (2, ("800.00", "0.00"))
    assert Counter(scene.events()) == {"created": 1, "cycle_prepared": 2}


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_worker_with_a_wrong_clock_charges_neither_early_nor_twice(
    scene: Scene, minutes: int
) -> None:
    scene.subscribe()
    due_in(scene, minutes=5)
    wrong = timedelta(minutes=minutes)
    with time_machine.travel(datetime.now().astimezone() + wrong):
        assert sweep(scene) == 0
        # Whoever rings by mistake finds nothing due either.
        with jobs.held():
            jobs.step("subscriptions.attend", scene.id)
    assert len(scene.orders) == 1
    scene.world.network.advance("PT7M")
    scene.world.watch()
    with time_machine.travel(datetime.now().astimezone() + wrong):
        assert sweep(scene) == 1
    cycle = Cycle.objects.get(subscription=scene.id, index=1)
    assert cycle.asked_at is not None
    # What it wrote is by the database's clock.
    assert abs(cycle.asked_at - clock.now()) < timedelta(minutes=2)
    for _ in range(3):
        sweep(scene)
    assert (len(scene.orders), scene.available()) == (2, ("800.00", "0.00"))


def test_the_time_that_passed_is_measured_by_the_database(scene: Scene) -> None:
    first = scene.subscribe()["currentCycle"]
    scene.within(first, 0.5)
    with jobs.held(), time_machine.travel(datetime.now().astimezone() + timedelta(days=12)):
        services.cancel(
            marketplace_id=scene.world.marketplace.id,
            subscription_id=scene.id,
            when=When.NOW,
            actor=ACTOR,
        )
    share = Cycle.objects.get(subscription=scene.id).to_seller
    assert share is not None
    assert 50 * 10**7 <= share <= 50_02 * 10**5


@pytest.mark.parametrize("point", ["after_submit", "before_confirm"])
def test_a_worker_that_dies_while_a_cycle_is_paid_or_divided_pays_once(
    scene: Scene, worker: Killed, point: str
) -> None:
    scene.subscribe()
    due_in(scene, minutes=-5)
    assert sweep(scene) == 1
    order = scene.orders[1]
    _die_in(scene, worker, order, point)
    scene.work()
    assert scene.calls(order) == ["DEPLOY", "FUND"]
    with jobs.held():
        scene.ask("cancel", {"when": "NOW"}, status=202, headers={"Prefer": "respond-async"})
    _die_in(scene, worker, scene.orders[0], point)
    scene.work()
    assert scene.read()["status"] == "CANCELLED"
    assert [row.status for row in scene.orders] == ["COMPLETED", "REFUNDED"]
    assert sum(float(part) for part in scene.available()) == 1000
    assert scene.world.differences() == []


def _die_in(scene: Scene, worker: Killed, order: Order, point: str) -> None:
    call = EscrowOperation.objects.filter(order=order).order_by("-id")[0]
    assert worker("orders.operation", call.pk, point=point) == 137
    let_the_lease_run_out(call)


def test_a_worker_that_dies_before_it_commits_has_done_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cycle, order, reservation and event are one: none is there without the others."""
    scene.subscribe()
    due_in(scene, minutes=-5)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Subscription, "save", die)
        with pytest.raises(KeyboardInterrupt):
            sweep(scene)
    assert (scene.cycles(), len(scene.orders)) == ([(0, "OPEN")], 1)
    assert (scene.available(), scene.events()) == (
        ("900.00", "0.00"),
        ["created", "cycle_prepared"],
    )
    assert sweep(scene) == 1
    assert (len(scene.orders), scene.available()) == (2, ("800.00", "0.00"))


def test_a_payment_into_the_contract_that_keeps_failing_needs_a_person(scene: Scene) -> None:
    scene.subscribe()
    due_in(scene, minutes=-5)
    assert sweep(scene) == 1
    order = scene.orders[1]
    for minutes in (6, 11, 21):
        with jobs.held():
            _fail_newest(order)
            scene.world.network.advance(f"PT{minutes}M")
            scene.world.watch()
            Subscription.objects.filter(pk=scene.id).update(next_at=clock.now())
            assert sweep(scene) == 1
    assert scene.calls(order) == ["DEPLOY"] * 4
    waiting = Subscription.objects.needing_a_person()
    assert waiting.filter(pk=scene.id).count() == 1
    told = scene.read()["openCycles"][1]
    assert (told["orderStatus"], told["problem"]["code"]) == ("RESERVED", "refused")
    scene.work()
    assert scene.orders[1].status == "IN_PROGRESS"
    Subscription.objects.filter(pk=scene.id).update(next_at=clock.now())
    assert sweep(scene) == 1
    assert waiting.filter(pk=scene.id).count() == 0


def _fail_newest(order: Order) -> None:
    call = EscrowOperation.objects.filter(order=order).order_by("-id")[0]
    outcomes.fail(call.pk, "refused", "The provider refused", None)


def test_the_orders_of_cycles_do_not_stand_still(scene: Scene) -> None:
    """They have an end on the calendar; without one they would be a queue at the desk."""
    scene.subscribe(interval="year")
    Order.objects.filter(pk=scene.orders[0].pk).update(updated_at=clock.now() - timedelta(days=90))
    quiet = Order.objects.filter(marketplace=scene.world.marketplace)
    assert quiet.quiet().count() == 0
    kept = CLOCKS.copy()
    CLOCKS.clear()
    assert quiet.quiet().count() == 1
    CLOCKS.extend(kept)


def test_a_look_takes_few_statements_and_the_due_ones_are_found_by_an_index(scene: Scene) -> None:
    scene.subscribe()
    due_in(scene, minutes=-5)
    with Statements(connection) as seen, jobs.held():
        jobs.step("subscriptions.attend", scene.id)
    prepared = len(seen)
    Subscription.objects.filter(pk=scene.id).update(next_at=clock.now())
    with Statements(connection) as seen, jobs.held():
        jobs.step("subscriptions.attend", scene.id)
    assert (prepared, len(seen)) == (19, 6)
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM subscriptions_subscription"
            " WHERE next_at <= offerhub_now() ORDER BY next_at LIMIT 200"
        )
        plan = " ".join(row[0] for row in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
    assert "subscription_due" in plan
    assert Event.objects.filter(subject=scene.id).count() == 3

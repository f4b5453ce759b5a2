"""A sale on a bad day: whatever the network answers, every step happens once and the sale ends.

Each case scripts an answer for one step, lets the product go on by itself, and compares books and
chain to the stroop. The rule behind it: an envelope ends by being found or by expiring unfound.
"""

from collections import Counter
from typing import Any

import pytest

from offerhub.chain import keys, trustless_work
from offerhub.core import jobs
from offerhub.core.errors import OperationInFlight
from orders import again, escrow_services, services, tasks
from orders.models import EscrowOperation, Order
from tests.http import Api
from tests.world import ACTOR, World

SEND = "/helper/send-transaction"
LOOK = "/transactions/"
ON_SENDING = [
    "504-before",
    "504-after",
    "429",
    "503",
    "drop",
    "drop-after",
    "bad-seq",
    "failed-200",
]
STEPS = ["DEPLOY", "FUND", "RELEASE", "REFUND"]


class Sale:
    """One order of 100 from Ann to Bob, driven through the services."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ann = world.user("ann", money="100")
        self.bob = world.user("bob")
        self.tenant = world.marketplace.id
        new = services.NewOrder("ann", "bob", 100 * 10**7)
        self.order = services.create_order(marketplace_id=self.tenant, new=new, actor=ACTOR)
        services.reserve(marketplace_id=self.tenant, order_id=self.order.id, actor=ACTOR)

    def ask(self, step: str) -> None:
        """Request one step and let the product work on it until nothing is live."""
        common: Any = {"marketplace_id": self.tenant, "actor": ACTOR}
        if step == "DEPLOY":
            escrow_services.request_deploy(order_id=self.order.id, **common)
        elif step == "FUND":
            escrow = Order.objects.get(pk=self.order.id).escrow
            escrow_services.request_fund(escrow_id=escrow.id, **common)
        elif step == "RELEASE":
            escrow_services.request_release(
                order_id=self.order.id, milestone_ref=None, action="release", **common
            )
        else:
            escrow_services.request_refund(
                order_id=self.order.id, milestone_ref=None, reason="late", **common
            )
        self.world.settle()

    def up_to(self, step: str) -> None:
        """The steps before this one, undisturbed."""
        for before in STEPS[: 2 if step in ("RELEASE", "REFUND") else STEPS.index(step)]:
            self.ask(before)

    def assert_ended(self, step: str) -> None:
        """The order is where the step leads, each call was confirmed once, nothing differs."""
        self.order = Order.objects.get(pk=self.order.id)
        expected = {
            "DEPLOY": "ESCROW_CREATED",
            "FUND": "IN_PROGRESS",
            "RELEASE": "COMPLETED",
            "REFUND": "REFUNDED",
        }
        assert self.order.status == expected[step]
        rows = EscrowOperation.objects.filter(order=self.order)
        assert set(rows.values_list("status", flat=True)) == {"CONFIRMED"}
        assert max(Counter(rows.values_list("kind", flat=True)).values()) == 1
        assert rows.exclude(source_wallet__lane="").count() == 0
        held = {"RELEASE": "100.00", "REFUND": "0.00"}
        if step in held:
            assert self.world.balance(self.bob)["available"] == held[step]
        self.world.watch()
        assert self.world.differences() == []


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("answer", ON_SENDING)
def test_a_bad_answer_to_a_submission_pays_once(world: World, step: str, answer: str) -> None:
    sale = Sale(world)
    sale.up_to(step)
    world.network.fault(answer, SEND, times=2)
    sale.ask(step)
    sale.assert_ended(step)


@pytest.mark.parametrize("answer", ["503", "429", "drop", "lag"])
def test_a_ledger_that_can_not_be_read_is_asked_again(world: World, answer: str) -> None:
    sale = Sale(world)
    sale.up_to("RELEASE")
    world.network.fault(answer, LOOK, times=4)
    sale.ask("RELEASE")
    sale.assert_ended("RELEASE")


@pytest.mark.parametrize("answer", ["503", "429", "drop", "504-before"])
def test_a_build_that_fails_has_no_effects_and_is_asked_again(world: World, answer: str) -> None:
    sale = Sale(world)
    world.network.fault(answer, "/deployer/", times=2)
    sale.ask("DEPLOY")
    sale.assert_ended("DEPLOY")


def test_lost_answer_is_resolved_by_looking_not_by_paying_again(world: World) -> None:
    sale = Sale(world)
    sale.up_to("FUND")
    world.network.fault("drop-after", SEND)
    sale.ask("FUND")
    operation = EscrowOperation.objects.get(order=sale.order, kind="FUND")
    assert (operation.attempts, operation.history) == (1, [])
    assert world.network.held(sale.order.escrow.contract_id) == "100.0000000"
    sale.assert_ended("FUND")


def test_hash_persisted_before_submit(world: World) -> None:
    sale = Sale(world)
    world.network.fault("504-before", SEND, times=1000)
    escrow_services.request_deploy(marketplace_id=sale.tenant, order_id=sale.order.id, actor=ACTOR)
    world.work()
    operation = EscrowOperation.objects.get(order=sale.order)
    assert operation.status == "UNKNOWN"
    assert len(operation.hash) == 64
    assert operation.problem is not None
    with pytest.raises(OperationInFlight):
        services.cancel(marketplace_id=sale.tenant, order_id=sale.order.id, actor=ACTOR)
    assert world.balance(sale.ann)["reserved"] == "100.00"
    world.network.heal()
    world.settle()
    sale.assert_ended("DEPLOY")


def test_an_envelope_that_expired_unfound_is_built_anew_once(world: World) -> None:
    sale = Sale(world)
    sale.up_to("FUND")
    world.network.fault("504-before", SEND, times=1)
    escrow = Order.objects.get(pk=sale.order.id).escrow
    escrow_services.request_fund(marketplace_id=sale.tenant, escrow_id=escrow.id, actor=ACTOR)
    world.work()
    first = EscrowOperation.objects.get(order=sale.order, kind="FUND")
    assert first.status == "UNKNOWN"
    world.network.advance("PT10M")
    world.watch()
    world.settle()
    operation = EscrowOperation.objects.get(order=sale.order, kind="FUND")
    assert operation.attempts == 2
    assert [e["ended"] for e in operation.history] == ["expired"]
    assert operation.history[0]["hash"] == first.hash != operation.hash
    sale.assert_ended("FUND")


def test_a_rule_that_forbids_the_call_fails_it_and_leaves_the_state(world: World) -> None:
    """The order believes it may release; the contract says otherwise: nothing moves."""
    sale = Sale(world)
    sale.up_to("RELEASE")
    order = Order.objects.get(pk=sale.order.id)
    EscrowOperation.objects.filter(order=order).update(problem=None)
    milestone = order.milestones.get()
    for state in ("complete", "approve"):
        getattr(milestone, state)()
        milestone.save()
    escrow_services.request_release(
        marketplace_id=sale.tenant,
        order_id=order.id,
        milestone_ref="m1",
        action="release",
        actor=ACTOR,
    )
    world.settle()
    operation = EscrowOperation.objects.get(order=order, kind="RELEASE")
    assert operation.status == "FAILED"
    assert operation.problem is not None
    assert operation.problem["code"] == "not_approved"
    milestone = order.milestones.get()
    assert milestone.status == "APPROVED"
    assert world.balance(sale.bob)["available"] == "0.00"
    assert world.differences() == []


def test_a_call_that_fails_in_a_ledger_has_its_fee_booked(world: World) -> None:
    """Between building and sending, the seller disputes on their own: the release is trapped."""
    sale = Sale(world)
    sale.up_to("RELEASE")
    for action in ("complete", "approve"):
        escrow_services.request_release(
            marketplace_id=sale.tenant,
            order_id=sale.order.id,
            milestone_ref="m1",
            action=action,
            actor=ACTOR,
        )
        world.settle()
    world.network.fault("503", SEND, times=1)
    escrow_services.request_release(
        marketplace_id=sale.tenant,
        order_id=sale.order.id,
        milestone_ref="m1",
        action="release",
        actor=ACTOR,
    )
    (ring,) = [r for r in tasks.sweep_operations() if r[0] == "orders.operation"]
    jobs.run(*ring)
    escrow = Order.objects.get(pk=sale.order.id).escrow
    seller = escrow.seller_wallet
    envelope = trustless_work.dispute(escrow.kind, escrow.contract_id, seller.address, 0)
    trustless_work.send(keys.sign(envelope, seller))
    world.settle()
    operation = EscrowOperation.objects.get(order=sale.order, kind="RELEASE")
    assert (operation.status, operation.attempts) == ("FAILED", 1)
    assert operation.history[0]["ended"] == "function_trapped"
    world.watch()
    assert [line for line in world.differences() if escrow.buyer_address in line] == []


def test_resolution_with_extra_stroop(world: World) -> None:
    """A stranger's dust in the contract does not block a refund; it goes to the buyer."""
    sale = Sale(world)
    sale.up_to("REFUND")
    contract = Order.objects.get(pk=sale.order.id).escrow.contract_id
    world.network.mint(contract, "0.0000001")
    world.watch()
    sale.ask("REFUND")
    assert world.balance(sale.ann)["available"] == "100.0000001"
    assert world.network.held(contract) == "0.0000000"
    sale.assert_ended("REFUND")


def test_dust_that_the_monitor_has_not_seen_yet_only_delays_the_refund(world: World) -> None:
    sale = Sale(world)
    sale.up_to("REFUND")
    contract = Order.objects.get(pk=sale.order.id).escrow.contract_id
    world.network.mint(contract, "1.5")
    escrow_services.request_refund(
        marketplace_id=sale.tenant,
        order_id=sale.order.id,
        milestone_ref=None,
        reason="late",
        actor=ACTOR,
    )
    world.work()
    assert EscrowOperation.objects.get(order=sale.order, kind="RESOLVE").is_live
    world.watch()
    world.settle()
    assert world.balance(sale.ann)["available"] == "101.50"
    sale.assert_ended("REFUND")


def test_a_call_that_the_contract_refuses_is_answered_as_a_problem(world: World, api: Api) -> None:
    """Not as a success whose body happens to say otherwise."""
    world.user("ann", money="100")
    world.user("bob")
    order = world.funded(api, {"buyerId": "ann", "sellerId": "bob", "amount": 100})
    milestone = Order.objects.get(pk=order).milestones.get()
    for state in ("complete", "approve"):
        getattr(milestone, state)()
        milestone.save()
    headers = {"Idempotency-Key": "release-1"}
    for _ in range(2):
        problem = api.post("/resolution/release", {"orderId": order}, status=422, headers=headers)
        assert (problem["code"], problem["reason"]) == ("operation_failed", "not_approved")
    assert api.get(f"/operations/{problem['operationId']}")["status"] == "FAILED"
    assert api.get(f"/orders/{order}")["operation"]["status"] == "FAILED"
    assert api.get("/users/bob/balance")["available"] == "0.00"


def test_entries_that_stay_archived_end_the_call_after_five_envelopes(world: World) -> None:
    """Nothing moved and each charge is booked; asked for again it works once they are restored."""
    sale = Sale(world)
    sale.up_to("FUND")
    world.network.fault("entry-archived", SEND, times=5)
    sale.ask("FUND")
    (failed,) = EscrowOperation.objects.filter(order=sale.order, kind="FUND")
    problem = failed.problem or {}
    assert (failed.status, failed.attempts, problem["code"]) == ("FAILED", 5, "entry_archived")
    assert "did not restore them" in problem["detail"]
    assert [envelope["ended"] for envelope in failed.history] == ["entry_archived"] * 4
    assert world.balance(sale.ann)["reserved"] == "100.00"
    assert world.differences() == []
    again.request_again(operation_id=failed.pk, actor=ACTOR)
    world.settle()
    assert Order.objects.get(pk=sale.order.id).status == "IN_PROGRESS"
    assert world.balance(sale.ann)["inEscrow"] == "100.00"
    assert world.differences() == []

"""Known defects of orchestrators, one test each: money. tests/README.md has the table."""

from collections.abc import Callable
from typing import Any

import pytest

from ledger.chart import AccountKind
from ledger.models import Entry, Posting
from offerhub.chain import runner
from offerhub.core.money import from_chain
from offerhub.events.models import Event
from orders import escrow_services
from orders.models import Escrow, EscrowOperation, Order
from tests.http import Api
from tests.sandbox.player import Player
from tests.world import ACTOR, World

SEND = "/helper/send-transaction"
PARTS = {"m1": 20, "m2": 30, "m3": 50}


def sale(*, amount: Any = 100, parts: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a marketplace sends to make an order of Ann's and Bob's."""
    body = {"buyerId": "ann", "sellerId": "bob", "amount": amount}
    if parts:
        body["milestones"] = [{"id": m, "description": m, "amount": a} for m, a in parts.items()]
    return body


def held_by(world: World, who: str) -> str:
    """What a user's wallet holds on the chain."""
    return world.network.held(world.marketplace.users.get(external_id=who).wallet.address)


# --- U11 ---------------------------------------------------------------------------------------
def test_multi_op_tx_credits_each_op(world: World) -> None:
    """Keyed by transaction, the second and third payment of one transaction would be lost."""
    ann, bob = world.user("ann"), world.user("bob")
    player = Player(world.network.url)
    payer = player.person("4")
    builder = player.builder(payer)
    for user, amount in [(ann, "1"), (ann, "1"), (bob, "2")]:
        builder.append_payment_op(world.wallet(user).address, player.usdc, amount)
    assert player.submit(builder, payer).ok
    world.watch()
    world.watch()
    assert world.balance(ann)["available"] == "2.00"
    assert world.balance(bob)["available"] == "2.00"
    assert world.differences() == []


# --- U13 ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("amount", ["0.0000001", "0.0049999", "12345.6789012"])
def test_one_stroop_round_trip(world: World, api: Api, amount: str) -> None:
    """In from the chain, through the books, out to the chain: to the stroop, whatever the size."""
    ann = world.user("ann", money=amount)
    assert from_chain(world.balance(ann)["available"]) == from_chain(amount)
    body = {"userId": "ann", "amount": amount, "destination": (outside := world.stranger())}
    assert api.post("/withdrawals", body, status=201)["status"] == "COMPLETED"
    assert from_chain(world.network.held(outside)) == from_chain(amount)
    assert world.balance(ann) == {
        "available": "0.00",
        "reserved": "0.00",
        "inEscrow": "0.00",
        "pendingWithdrawal": "0.00",
    }
    assert world.differences() == []


# --- U14 ---------------------------------------------------------------------------------------
def test_release_takes_nothing_from_another_orders_reservation(world: World, api: Api) -> None:
    """Funding ends the reservation; a release that took it again would eat the other order's."""
    ann, bob = world.user("ann", money="200"), world.user("bob")
    first = world.funded(api, sale())
    other = api.post("/orders", sale(), status=201)["id"]
    api.post(f"/orders/{other}/reserve")
    assert list(world.balance(ann).values()) == ["0.00", "100.00", "100.00", "0.00"]
    assert api.post("/resolution/release", {"orderId": first})["status"] == "COMPLETED"
    assert list(world.balance(ann).values()) == ["0.00", "100.00", "0.00", "0.00"]
    assert world.balance(bob)["available"] == "100.00"
    api.post(f"/orders/{other}/cancel")
    assert world.balance(ann)["available"] == "100.00"
    assert world.differences() == []


# --- U16 ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("milestone", PARTS)
def test_milestone_n_releases_only_n(world: World, api: Api, milestone: str) -> None:
    world.user("ann", money="100")
    bob = world.user("bob")
    order = world.funded(api, sale(parts=PARTS))
    contract = Escrow.objects.get(order=order).contract_id
    answer = api.post("/resolution/release", {"orderId": order, "milestoneId": milestone})
    assert answer["status"] == "IN_PROGRESS"
    assert {m["id"]: m["status"] for m in answer["milestones"]} == {
        name: "RELEASED" if name == milestone else "OPEN" for name in PARTS
    }
    paid = f"{PARTS[milestone]}.0000000"
    assert held_by(world, "bob") == paid
    assert world.network.held(contract) == f"{100 - PARTS[milestone]}.0000000"
    assert from_chain(world.balance(bob)["available"]) == from_chain(paid)
    assert world.differences() == []


@pytest.mark.parametrize("parts", [None, {"m1": 100}])
def test_an_order_of_one_part_takes_the_same_contract_named_or_not(
    world: World, api: Api, parts: dict[str, Any] | None
) -> None:
    world.user("ann", money="100")
    bob = world.user("bob")
    order = world.funded(api, sale(parts=parts))
    assert Escrow.objects.get(order=order).kind == Escrow.Kind.SINGLE
    assert api.post("/resolution/release", {"orderId": order})["status"] == "COMPLETED"
    assert world.balance(bob)["available"] == "100.00"


# --- U17 ---------------------------------------------------------------------------------------
FEE_SALES = [
    sale(amount="33.33"),
    sale(amount="0.01"),
    sale(amount="100", parts={"m1": "33.33", "m2": "66.66", "m3": "0.01"}),
]


@pytest.mark.parametrize("body", FEE_SALES, ids=["single", "one cent", "multi"])
@pytest.mark.parametrize("way", ["release", "refund"])
def test_fee_entries_equal_chain_transfers(
    world_with_fees: World, api_of: Callable[[World], Api], way: str, body: dict[str, Any]
) -> None:
    """Both fees are taken on a refund as well; the books say what the chain moved, not 100 %."""
    world = world_with_fees
    api = api_of(world)
    users = {"release": world.user("bob"), "refund": world.user("ann", money="100")}
    provider = world.network.control("health")["trustlessWorkFeeAddress"]
    before = from_chain(world.network.held(provider))
    order = world.funded(api, body)
    contract = Escrow.objects.get(order=order).contract_id
    api.post(f"/resolution/{way}", {"orderId": order})

    gross = from_chain(str(body["amount"]))
    amounts = [from_chain(str(m["amount"])) for m in body.get("milestones", [body])]
    protocol = sum(a * 30 // 10_000 for a in amounts)
    platform = sum(a * 500 // 10_000 for a in amounts)
    assert from_chain(world.network.held(provider)) - before == protocol
    assert world.network.held(contract) == "0.0000000"
    entries = Entry.objects.filter(source__startswith=f"order:{order}:{way}:")
    assert entries.count() == len(amounts)
    assert sum(e.meta["protocolFee"] for e in entries) == protocol
    assert sum(e.meta["platformFee"] for e in entries) == platform
    assert sum(e.meta["gross"] for e in entries) == gross
    earned = Posting.objects.filter(
        account__marketplace=world.marketplace, account__kind=AccountKind.PLATFORM_FEE
    )
    assert -sum(posting.amount for posting in earned) == platform
    left = 0 if way == "release" else from_chain("100") - gross
    received = from_chain(world.balance(users[way])["available"])
    assert received == left + gross - protocol - platform
    world.watch()
    assert world.differences() == []


# --- U18 ---------------------------------------------------------------------------------------
def test_failed_status_is_failure(world: World, api: Api) -> None:
    """HTTP 200 around a failure is no success: nothing is booked until a ledger shows it."""
    ann = world.user("ann", money="100")
    world.user("bob")
    order = api.post("/orders", sale(), status=201)["id"]
    api.post(f"/orders/{order}/reserve")
    escrow = api.post("/escrow", {"orderId": order}, status=201)["id"]
    world.network.fault("failed-200", SEND, times=1000)
    api.post(f"/escrow/{escrow}/fund", status=202, headers={"Prefer": "respond-async"})
    world.work()
    assert api.get(f"/orders/{order}")["status"] == "ESCROW_CREATED"
    assert list(world.balance(ann).values()) == ["0.00", "100.00", "0.00", "0.00"]
    assert EscrowOperation.objects.get(order=order, kind="FUND").status == "UNKNOWN"
    world.network.heal()
    world.settle()
    assert api.get(f"/orders/{order}")["status"] == "IN_PROGRESS"
    assert world.differences() == []


def test_a_transaction_that_failed_in_a_ledger_funds_nothing(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The issuer freezes the buyer between the build and the sending: the ledger has it, FAILED."""
    ann = world.user("ann", money="100")
    world.user("bob")
    order = api.post("/orders", sale(), status=201)["id"]
    api.post(f"/orders/{order}/reserve")
    escrow = api.post("/escrow", {"orderId": order}, status=201)["id"]
    address = world.wallet(ann).address

    def freeze(point: str) -> None:
        if point == "before_submit":
            world.network.control("trustline", {"address": address, "authorized": False})

    with monkeypatch.context() as patched:
        patched.setattr(runner, "crash_point", freeze)
        escrow_services.request_fund(
            marketplace_id=world.marketplace.id, escrow_id=escrow, actor=ACTOR
        )
        world.work()
    operation = EscrowOperation.objects.get(order=order, kind="FUND")
    assert (operation.status, operation.attempts) == ("PENDING", 1), operation.problem
    assert Order.objects.get(pk=order).status == "ESCROW_CREATED"
    assert list(world.balance(ann).values()) == ["0.00", "100.00", "0.00", "0.00"]
    assert world.network.held(Escrow.objects.get(pk=escrow).contract_id) == "0.0000000"
    world.network.control("trustline", {"address": address, "authorized": True})
    world.settle()
    assert world.differences() == []


# --- U19 ---------------------------------------------------------------------------------------
def test_split_atomic_and_nonzero(world: World, api: Api) -> None:
    """A decision is one entry and one transaction, and a side that gets nothing is not paid 0."""
    ann, bob = world.user("ann", money="100"), world.user("bob")
    order = world.funded(api, sale(parts=PARTS))
    api.post("/resolution/refund", {"orderId": order, "milestoneId": "m2"})
    entry = Entry.objects.get(source__startswith=f"order:{order}:refund:")
    resolve = EscrowOperation.objects.get(order=order, kind="RESOLVE")
    assert (entry.chain_hash, entry.operation) == (resolve.hash, resolve.id)
    assert all(posting.amount for posting in entry.postings.all())
    assert list(world.balance(ann).values()) == ["30.00", "0.00", "70.00", "0.00"]
    assert world.balance(bob)["available"] == "0.00"
    refused = api.post("/resolution/refund", {"orderId": order, "milestoneId": "m2"}, status=409)
    assert refused["code"] == "wrong_state"
    assert world.differences() == []


# --- U20 ---------------------------------------------------------------------------------------
def test_every_change_of_an_order_is_one_event_without_a_gap(world: World, api: Api) -> None:
    world.user("ann", money="100")
    world.user("bob")
    order = world.funded(api, sale(parts=PARTS))
    api.post("/resolution/release", {"orderId": order})
    events = Event.objects.filter(subject=order).order_by("position")
    numbers = [event.sequence for event in events]
    assert numbers == list(range(1, Order.objects.get(pk=order).version + 1))
    calls = EscrowOperation.objects.filter(order=order).count()
    told = [event.type for event in events]
    assert len([t for t in told if t.endswith("_confirmed")]) == calls == 2 + 3 * len(PARTS)
    assert told[:2] == ["order.created", "order.reserved"]
    assert len({event.actor for event in events}) == 1


def test_a_plan_of_many_steps_names_its_asker_in_each(world: World, api: Api) -> None:
    """Ten milestones in one request are thirty steps: none may make the next one's name longer."""
    world.user("ann", money="100")
    bob = world.user("bob")
    order = world.funded(api, sale(parts={f"m{i}": 10 for i in range(1, 11)}))
    body = {"orderId": order}
    api.request("POST", "/resolution/release", body, {"Prefer": "respond-async"})
    world.settle()
    assert api.get(f"/orders/{order}")["status"] == "COMPLETED"
    assert world.balance(bob)["available"] == "100.00"
    actors = EscrowOperation.objects.filter(order=order).values_list("actor", flat=True)
    assert len(actors) == 32
    assert len(set(actors)) == 1
    assert world.differences() == []

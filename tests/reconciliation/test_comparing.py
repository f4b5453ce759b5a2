"""Books against chain: no false alarm while money moves, and a stroop is found and settled."""

import threading
import time
from typing import Any

import pytest
from django.db import connection, connections

from ledger import adjustments
from ledger.balances import account_balance
from offerhub.approvals.models import Proposal
from offerhub.core.actor import Actor, ActorKind
from offerhub.core.errors import WrongState
from offerhub.core.ids import new_id
from offerhub.core.jobs import Later
from offerhub.deposits import monitor
from offerhub.events.models import Event
from offerhub.marketplaces import staff
from offerhub.reconciliation import differences, runs, targets
from offerhub.reconciliation.looking import Verdict, look
from offerhub.reconciliation.models import Difference, Run, Undecided
from offerhub.reconciliation.verification import Wanted, verify
from offerhub.users.models import Wallet
from tests.http import Api
from tests.reconciliation.planting import passed_over
from tests.world import ACTOR, World


def compare(world: World, address: str = "") -> Run:
    """A run over the marketplace or one address, done."""
    run = runs.request_run(marketplace_id=world.marketplace.id, address=address, actor=ACTOR)
    while Run.objects.get(pk=run.pk).status == Run.Status.RUNNING:
        try:
            runs.step(run.pk)
        except Later:
            continue
    return Run.objects.get(pk=run.pk)


def waiting(world: World) -> list[Difference]:
    return runs.waiting(world.marketplace.id)


def colleague(role: str) -> Actor:
    new = staff.create_staff(username=new_id("per"), password="correct horse battery", roles=[role])
    return Actor(ActorKind.STAFF, new.user.public_id)


def test_it_raises_no_alarm_while_many_operations_run(world: World, api: Api) -> None:
    for n in range(4):
        world.user(f"u{n}", money="1000")
    looks: list[Any] = []
    stop, broken = threading.Event(), list[BaseException]()

    def trade(buyer: int) -> None:
        sale = {"buyerId": f"u{buyer}", "sellerId": f"u{(buyer + 1) % 4}", "amount": 10}
        try:
            for _ in range(3):
                order = world.funded(api, sale)
                api.post("/resolution/release", {"orderId": order})
                body = {"userId": f"u{buyer}", "amount": 1, "destination": outside}
                api.post("/withdrawals", body, status=201)
                world.network.mint(addresses[buyer], "3")
        except BaseException as error:
            broken.append(error)

    def watch() -> None:
        while not stop.is_set():
            monitor.poll()
            time.sleep(0.02)
        connections.close_all()

    outside = world.stranger()
    chosen, _ = targets.batch("", world.marketplace.id)
    addresses = [world.wallet(world.user(f"u{n}")).address for n in range(4)]
    threads = [threading.Thread(target=trade, args=(n,)) for n in range(4)]
    watcher = threading.Thread(target=watch)
    for thread in (*threads, watcher):
        thread.start()
    while any(thread.is_alive() for thread in threads):
        everything = chosen + targets.batch("contract:", world.marketplace.id)[0]
        looks += look(everything)
        time.sleep(0.02)
    stop.set()
    watcher.join()
    assert broken == []
    verdicts = [each.verdict for each in looks]
    assert Verdict.DIFFERENT not in verdicts
    assert len(looks) > 200
    assert verdicts.count(Verdict.UNDECIDED) > 0  # it did meet what was on its way
    world.settle()
    world.watch()
    run = compare(world)
    assert (run.different, run.undecided, run.checked) == (0, 0, run.equal)
    assert run.checked >= 6 * 2 + 12
    assert waiting(world) == []
    assert not Undecided.objects.filter(marketplace=world.marketplace).exists()


def test_what_the_monitor_has_not_read_is_no_difference_until_it_has_passed_it(
    world: World,
) -> None:
    user = world.user("client_123", money="5")
    address = world.wallet(user).address
    world.network.mint(address, "0.0000001")
    run = compare(world, address)
    assert (run.different, run.undecided, run.equal) == (0, 1, 1)
    (row,) = Undecided.objects.filter(marketplace=world.marketplace)
    assert row.why.startswith("the monitor has read ledger")
    world.watch()
    assert compare(world, address).equal == 2
    assert not Undecided.objects.filter(pk=row.pk).exists()
    assert not Event.objects.filter(
        marketplace=world.marketplace, type__startswith="reconciliation."
    ).exists()


def test_what_the_issuer_takes_back_is_named_and_more_than_is_left_is_not_sent(
    world: World, api: Api
) -> None:
    user = world.user("client_123", money="5")
    address = world.wallet(user).address
    world.network.control("clawback", {"address": address, "amount": "2"})
    world.watch()
    assert compare(world, address).different == 1
    (row,) = waiting(world)
    assert (row.type, row.books, row.chain) == ("AMOUNT", 50_000_000, 30_000_000)
    body = {"userId": "client_123", "amount": 5, "destination": world.stranger()}
    asked = api.request("POST", "/withdrawals", body, {"Prefer": "respond-async"}).json()["id"]
    world.work()
    waits = api.get(f"/withdrawals/{asked}")["operation"]
    assert (waits["status"], waits["attempts"]) == ("PENDING", 0)  # nothing was signed
    assert waits["problem"]["code"] == "op_underfunded"
    api.post(f"/withdrawals/{asked}/cancel")
    assert world.balance(user)["available"] == "5.00"


def test_what_is_on_its_way_for_too_long_is_told_of(world: World, settings: Any) -> None:
    settings.RECONCILIATION_PATIENCE_MINUTES = 0
    address = world.wallet(world.user("client_123")).address
    transaction = world.network.mint(address, "2")
    compare(world, address)
    compare(world, address)
    (row,) = waiting(world)
    assert (row.type, row.amount) == ("TIMING", 20_000_000)
    assert [line["hash"] for line in row.evidence["lines"]] == [transaction]
    world.watch()
    compare(world, address)
    row.refresh_from_db()
    assert (row.status, row.ended_at is not None) == ("CLOSED", True)


def test_a_missed_deposit_is_named_and_written_to_the_user_by_two_people(world: World) -> None:
    user = world.user("client_123", money="5")
    address = world.wallet(user).address
    transaction = world.network.mint(address, "0.0000001")
    passed_over()
    assert compare(world, address).different == 1
    (row,) = waiting(world)
    assert (row.type, row.books, row.chain, row.amount) == ("MISSING", 50_000_000, 50_000_001, 1)
    (line,) = row.evidence["lines"]
    assert (line["hash"], line["chain"], line["books"]) == (transaction, 1, 0)
    compare(world, address)
    assert [each.pk for each in waiting(world)] == [row.pk]  # once, however often it is seen

    finance, other = colleague("finance"), colleague("finance")
    text = "An exchange paid while the monitor was moved"
    named: dict[str, Any] = {
        "difference_id": row.pk,
        "against": "user",
        "text": text,
        "actor": finance,
    }
    proposed = differences.propose_correction(adjustment_id=new_id("adj"), **named)
    assert proposed.proposal is not None
    with pytest.raises(WrongState, match="waits for approval"):
        differences.propose_correction(adjustment_id=new_id("adj"), **named)
    proposal = Proposal.objects.get(pk=proposed.proposal_id)
    assert world.balance(user)["available"] == "5.00"
    adjustments.approve(proposal_id=proposal.id, digest=proposal.digest, actor=other)
    assert world.balance(user)["available"] == "5.0000001"
    assert differences.with_decided_corrections() == [row.pk]
    differences.follow(difference_id=row.pk)
    assert Difference.objects.get(pk=row.pk).status == "BOOKED"
    assert compare(world, address).equal == 2
    types = Event.objects.filter(subject=row.pk).order_by("sequence")
    assert list(types.values_list("type", flat=True)) == [
        "reconciliation.difference_found",
        "reconciliation.correction_proposed",
        "reconciliation.difference_booked",
    ]
    broken = verify(Wanted(marketplace_id=world.marketplace.id, books_only=True)).broken
    assert [each.name for each in broken] == []


@pytest.mark.parametrize("against", ["suspense", "expense"])
def test_a_correction_leaves_the_books_sound_whatever_it_is_booked_against(
    world: World, against: str
) -> None:
    address = world.wallet(world.user("client_123", money="5")).address
    world.network.mint(address, "2")
    passed_over()
    compare(world, address)
    (row,) = waiting(world)
    proposed = differences.propose_correction(
        difference_id=row.pk,
        adjustment_id=new_id("adj"),
        against=against,
        text="Nobody knows whose it is",
        actor=colleague("finance"),
    )
    assert proposed.proposal is not None
    digest = proposed.proposal.digest
    adjustments.approve(proposal_id=proposed.proposal.id, digest=digest, actor=colleague("finance"))
    assert compare(world, address).equal == 2
    row.refresh_from_db()
    assert row.status == {"suspense": "SUSPENDED", "expense": "BOOKED"}[against]
    held = account_balance(
        marketplace_id=world.marketplace.id, kind="wallet", owner=address, asset="USDC"
    )
    assert held == 70_000_000
    broken = verify(Wanted(marketplace_id=world.marketplace.id)).broken
    assert [each.name for each in broken] == []


def test_a_contracts_dust_can_only_go_to_suspense_and_fee_money_only_to_a_cost(
    world: World,
) -> None:
    def choices(kind: str, owner: str = "X", asset: str = "USDC") -> list[str]:
        return differences.choices(Difference(kind=kind, owner=owner, asset=asset))

    address = world.wallet(world.user("client_123")).address
    assert choices("contract") == ["suspense"]
    assert choices("xlm", asset="XLM") == ["expense"]
    assert choices("platform") == ["suspense", "expense"]
    assert choices("wallet", address) == ["user", "suspense", "expense"]


def test_an_entry_that_no_transaction_made_is_extra(world: World) -> None:
    user = world.user("client_123", money="5")
    address = world.wallet(user).address
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT ledger_post(jsonb_build_object('marketplace', %s::text, 'kind', 'deposit',
                'source', 'deposit:made:up', 'chain_hash', repeat('e', 64), 'chain_ledger', 2,
                'lines', jsonb_build_array(
                    jsonb_build_object('kind', 'wallet', 'owner', %s::text, 'asset', 'USDC',
                                       'amount', 7),
                    jsonb_build_object('kind', 'available', 'owner', %s::text, 'asset', 'USDC',
                                       'user', %s::text, 'amount', -7))))""",
            [world.marketplace.id, address, user.id, user.id],
        )
    compare(world, address)
    (row,) = waiting(world)
    assert (row.type, row.amount) == ("EXTRA", -7)
    assert [line["hash"] for line in row.evidence["lines"]] == ["e" * 64]


def test_the_round_goes_over_everything_once_and_begins_again_after_its_pause(
    world: World, settings: Any
) -> None:
    settings.RECONCILIATION_SECONDS = 3600.0
    Run.objects.filter(marketplace=None).delete()
    runs.begin_round()
    runs.begin_round()
    (run,) = Run.objects.filter(marketplace=None)
    assert run.pk in runs.due()
    Run.objects.filter(pk=run.pk).update(status="DONE", finished_at="2026-01-01T00:00:00Z")
    runs.begin_round()
    assert Run.objects.filter(marketplace=None).count() == 1  # its pause is not over
    Run.objects.filter(pk=run.pk).update(due_at="2026-01-01T00:00:00Z")
    runs.begin_round()
    assert Run.objects.filter(marketplace=None, status="RUNNING").count() == 1
    assert not Run.objects.filter(pk=run.pk).exists()  # old rounds are cleared away
    Run.objects.filter(marketplace=None).delete()


def test_a_look_costs_seven_statements_however_many_balances(
    world: World, django_assert_num_queries: Any
) -> None:
    world.watch()
    chosen, after = targets.batch("", world.marketplace.id)
    assert after.startswith("wallet:")
    with django_assert_num_queries(7):
        assert {each.verdict for each in look(chosen)} == {Verdict.EQUAL}


def test_what_a_party_with_its_own_key_holds_beyond_the_books_is_its_own_affair(
    world: World, api: Api
) -> None:
    address = world.stranger()
    wallet = {"kind": "external", "address": address}
    api.post("/users", {"externalId": "own", "wallet": wallet}, status=201)
    world.settle()
    world.network.mint(address, "9")
    passed_over()
    assert compare(world, address).equal == 1  # its fee money is its own affair
    own = Wallet.objects.filter(address=address)
    own.update(kind="MANAGED", sealed_secret=b"x")
    try:
        assert compare(world, address).different == 2
    finally:  # whoever rotates keys later reads every secret there is
        own.update(kind="EXTERNAL", sealed_secret=None)

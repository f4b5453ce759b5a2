"""An older backup is restored: everything since is named, and taken in from the chain."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from stellar_sdk import Claimant

from ledger.balances import balance_of
from offerhub.claims import watching
from offerhub.claims.models import Claim
from offerhub.core import jobs
from offerhub.core.money import format_amount
from offerhub.management.commands.catch_up import DRIVERS
from offerhub.reconciliation.recovery import Taken, catch_up
from offerhub.reconciliation.verification import Report, Wanted, verify
from offerhub.users.models import User
from orders.models import Order
from payouts.destinations import check
from payouts.memos import Memo
from payouts.models import Withdrawal
from payouts.services import request_withdrawal
from tests.http import Api
from tests.reconciliation.copied import copied_database, dumped, restored
from tests.sandbox.player import Player
from tests.world import ACTOR, World

SALE = {
    "buyerId": "client_123",
    "sellerId": "freelancer_456",
    "amount": 100,
    "milestones": [
        {"id": "m1", "description": "one", "amount": 60},
        {"id": "m2", "description": "two", "amount": 40},
    ],
}


def named(report: Report, fact: str) -> str:
    return "\n".join(str(row) for each in report.broken if each.name == fact for row in each.rows)


def hashes_of(order: str) -> set[str]:
    rows = Order.objects.get(pk=order).operations.all()
    return set(rows.values_list("hash", flat=True))


def test_what_happened_after_the_backup_is_named_and_taken_in(
    world: World, api: Api, scratch: str
) -> None:
    world.user("client_123", money="500")
    freelancer = world.user("freelancer_456", money="30")
    running = world.funded(api, SALE)
    reserved = api.post("/orders", SALE, status=201)["id"]
    api.post(f"/orders/{reserved}/reserve")
    refunded = world.funded(api, SALE)
    asked = request_withdrawal(checked=destined(world, "12.5"), actor=ACTOR)
    backup = dumped(Path(scratch) / "backup.dump")

    # What happens after it was taken.
    parties = {name: SALE[name] for name in ("buyerId", "sellerId")}
    world.settle()  # the withdrawal that was asked for before is paid
    client = world.wallet(world.user("client_123"))
    deposit = world.network.mint(client.address, "7.0000001")
    api.post("/resolution/release", {"orderId": running, "milestoneId": "m1"})
    api.post("/resolution/refund", {"orderId": refunded})
    escrow = api.post("/escrow", {"orderId": reserved}, status=201)["id"]
    api.post(f"/escrow/{escrow}/fund")
    api.post("/resolution/release", {"orderId": reserved, "milestoneId": "m2"})
    paid = request_withdrawal(checked=destined(world, "3"), actor=ACTOR)
    claimed = claim_of(world, freelancer, "4")
    lost = world.funded(api, {**parties, "amount": 10})
    newcomer = world.user("somebody_new")
    world.settle()
    world.watch()
    wanted = Wanted(marketplace_id=world.marketplace.id, limit=500, patience=0)
    assert [each.name for each in verify(wanted).broken] == []
    true_balances = {user: api.get(f"/users/{user}/balance")["total"] for user in USERS}
    since = {
        *hashes_of(running),
        *hashes_of(reserved),
        *hashes_of(refunded),
        *hashes_of(lost),
        Withdrawal.objects.get(pk=asked.pk).hash,
        Withdrawal.objects.get(pk=paid.pk).hash,
        deposit,
        Claim.objects.get(pk=claimed).hash,
    }
    of_lost = hashes_of(lost)
    new_address = world.wallet(newcomer).address

    with copied_database(template=""):
        restored(backup)
        before = hashes_of(running) | hashes_of(refunded)
        told = named(verify(wanted), "transactions_are_booked")
        missing = since - before
        assert len(missing) >= 16
        assert {each for each in missing if each not in told} == set()

        def _is_ours(each: Taken) -> bool:
            return each.hash in missing or new_address in f"{each.what} {each.outcome}"

        taken = list(catch_up(DRIVERS))
        # Of what happened since; the database holds other tests' marketplaces too.
        left = [each for each in taken if not each.done and _is_ours(each)]
        assert {each.hash for each in taken} >= missing - {deposit}
        whats = " ".join(f"{each.what}: {each.outcome}" for each in left)
        assert new_address in whats  # its key is in no copy of this database
        assert lost in whats
        assert {each.hash for each in left} >= of_lost
        assert len(left) == len(of_lost) + 1
        shown = {user: total(world, user) for user in USERS}
        assert shown["freelancer_456"] == true_balances["freelancer_456"]
        assert shown["client_123"] == true_balances["client_123"]
        order = Order.objects.get(pk=running)
        assert [m.status for m in order.milestones.all()] == ["RELEASED", "OPEN"]
        assert Order.objects.get(pk=reserved).status == "IN_PROGRESS"
        assert Order.objects.get(pk=refunded).status == "REFUNDED"
        assert Withdrawal.objects.get(pk=asked.pk).status == "COMPLETED"
        recovered = Withdrawal.objects.filter(user=freelancer).exclude(pk=asked.pk).get()
        assert (recovered.status, recovered.amount) == ("COMPLETED", 30_000_000)

        again = [each.done for each in catch_up(DRIVERS) if _is_ours(each)]
        assert again == [False] * len(left)
        report = verify(wanted)
        assert {each.name for each in report.broken} == {
            "held_equals_chain",
            "transactions_are_booked",
        }
        rest = named(report, "transactions_are_booked")
        assert {each for each in missing if each in rest} <= {each.hash for each in left}
        world.settle()  # workers start again: nothing is sent a second time
        assert {user: total(world, user) for user in USERS} == shown


USERS = ("client_123", "freelancer_456")


def claim_of(world: World, user: User, amount: str) -> str:
    """Somebody outside sets money aside for a user; the operation that claims it."""
    wallet = world.wallet(user)
    with Player(world.network.url) as player:
        eve, mine = player.person(amount), Claimant(wallet.address)
        builder = player.builder(eve)
        builder.append_create_claimable_balance_op(player.usdc, amount, [mine])
        assert player.submit(builder, eve).ok
    with jobs.held() as rings:
        watching.look_now(wallet_id=wallet.pk)
    for ring in rings:
        jobs.run(*ring)
    world.settle()
    return Claim.objects.get(source_wallet=wallet).pk


def destined(world: World, amount: str) -> Any:
    return check(
        marketplace_id=world.marketplace.id,
        user_reference="freelancer_456",
        destination=world.stranger(),
        memo=Memo("text", "invoice 7"),
        amount=int(float(amount) * 10**7),
    )


def total(world: World, user: str) -> str:
    return format_amount(balance_of(world.marketplace.id, user, "USDC").total)


def test_it_wants_to_be_told_that_no_worker_runs() -> None:
    with pytest.raises(CommandError, match="could pay a second time"):
        call_command("catch_up", stdout=StringIO())

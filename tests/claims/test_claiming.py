"""Money that was set aside for a wallet is claimed and credited once, whatever happens."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, transaction
from django.db.models.functions import Now
from stellar_sdk import Asset, ClaimPredicate

from ledger.models import Entry
from offerhub.claims import services
from offerhub.claims.models import Claim, ClaimableBalance
from offerhub.core import jobs
from offerhub.core.actor import system
from offerhub.core.errors import WrongState
from tests.claims.scene import SUBMIT, Scene
from tests.crash.scene import let_the_lease_run_out
from tests.crash.workers import Killed

FIVE = 50_000_000


def _assert_credited_once(scene: Scene, amount: str = "5.00") -> None:
    """Before and after the monitor has read the claim's event, and books and chain agree."""
    for _ in range(2):
        assert scene.deposits() == [("CREDITED", FIVE, scene.ann.pk)]
        assert scene.available() == amount
        scene.world.watch()
    assert scene.there() == []
    assert scene.world.differences() == []


def test_it_is_listed_claimed_by_the_wallet_and_credited_by_the_claim(scene: Scene) -> None:
    balance = scene.set_aside("5")
    scene.look()
    (row,) = scene.rows()
    assert (row.balance_id, row.sponsor) == (balance, scene.eve.public_key)
    assert scene.states() == [("PENDING", "", FIVE)]
    # Neither the event of its making nor the list of it credits anybody.
    scene.world.watch()
    assert (scene.deposits(), scene.available()) == ([], "0.00")
    scene.world.settle()
    assert scene.states() == [("CLAIMED", "", FIVE)]
    assert scene.events(row) == ["listed", "claim_requested", "claimed"]
    claim = Claim.objects.get(balance=row)
    assert (claim.status, claim.attempts) == ("CONFIRMED", 1)
    fee = Entry.objects.get(operation=claim.pk)
    assert (fee.kind, fee.chain_hash) == ("network_fee", claim.hash)
    _assert_credited_once(scene)
    # Listed anew it is no other one.
    scene.look()
    assert len(scene.rows()) == 1


def test_the_monitor_may_read_the_claim_before_we_know_that_it_landed(scene: Scene) -> None:
    scene.set_aside("5")
    scene.look()
    claim = scene.ask()
    scene.network.fault("504-after", SUBMIT, method="POST")
    scene.network.fault("503", "/transactions/", method="GET", times=2)
    jobs.run(services.JOB, claim.pk)
    scene.world.watch()
    assert scene.available() == "5.00"
    assert scene.states() == [("CLAIMING", "", FIVE)]
    scene.world.settle()
    assert scene.states() == [("CLAIMED", "", FIVE)]
    _assert_credited_once(scene)


@pytest.mark.parametrize("answer", ["504-before", "drop-after"])
def test_a_lost_answer_claims_once(scene: Scene, answer: str) -> None:
    scene.set_aside("5")
    scene.look()
    scene.network.fault(answer, SUBMIT, method="POST")
    scene.world.settle()
    assert scene.states() == [("CLAIMED", "", FIVE)]
    _assert_credited_once(scene)


def test_what_may_not_be_claimed_yet_is_waited_for(scene: Scene) -> None:
    until = scene.player.now() + 3600
    scene.set_aside(
        "5",
        predicate=ClaimPredicate.predicate_not(
            ClaimPredicate.predicate_before_absolute_time(until)
        ),
    )
    scene.look()
    scene.world.work()
    (row,) = scene.rows()
    assert row.state == "PENDING" and row.due_at is not None
    assert int(row.due_at.timestamp()) == until
    assert not Claim.objects.filter(balance=row).exists()
    with pytest.raises(WrongState):
        services.request_claim(balance_id=row.pk, actor=system("somebody"))
    # Too early by our clock alone: the ledger is asked first, and nothing is paid for a refusal.
    ClaimableBalance.objects.filter(pk=row.pk).update(due_at=Now())
    scene.world.work()
    assert scene.events(row) == ["listed", "claim_requested", "postponed"]
    assert Claim.objects.get(balance=row).hash == ""
    scene.network.advance("PT2H")
    scene.world.watch()
    ClaimableBalance.objects.filter(pk=row.pk).update(due_at=Now())
    scene.world.settle()
    assert scene.states() == [("CLAIMED", "", FIVE)]
    _assert_credited_once(scene)


@pytest.mark.parametrize("when", ["before it is built", "after it is signed"])
def test_somebody_else_with_the_same_balance_was_faster(
    scene: Scene, worker: Killed, when: str
) -> None:
    bob = scene.player.person()
    balance = scene.set_aside("5", bob)
    scene.look()
    claim = scene.ask()
    if when == "after it is signed":
        assert worker(services.JOB, claim.pk, point="before_submit") == 137
        let_the_lease_run_out(claim)
    scene.claim_as(bob, balance)
    scene.world.settle()
    (row,) = scene.rows()
    assert scene.states() == [("GONE", "", FIVE)]
    assert scene.events(row) == ["listed", "claim_requested", "gone"]
    claim = Claim.objects.get(pk=claim.pk)
    assert (claim.status, (claim.problem or {})["code"]) == ("FAILED", "op_does_not_exist")
    # Nothing was sent where it was seen in time; what the network took of the other is booked.
    charged = when == "after it is signed"
    assert Entry.objects.filter(operation=claim.pk).count() == (1 if charged else 0)
    scene.world.watch()
    assert (scene.deposits(), scene.available()) == ([], "0.00")
    assert scene.player.balance(bob.public_key) == 5
    assert scene.world.differences() == []


def test_other_assets_and_crumbs_are_listed_and_not_claimed(scene: Scene) -> None:
    asset, other = scene.foreign("7")
    scene.set_aside("7", asset=asset, maker=other)
    scene.set_aside("3", asset=Asset.native())
    crumb = scene.set_aside("0.9999999")
    over = ClaimPredicate.predicate_before_absolute_time(scene.player.now() - 60)
    scene.set_aside("2", predicate=over)
    scene.set_aside("1")
    scene.look()
    scene.world.settle()
    assert scene.states() == [
        ("REFUSED", "wrong_issuer", 70_000_000),
        ("REFUSED", "native_asset", 30_000_000),
        ("REFUSED", "too_small", 9_999_999),
        ("REFUSED", "too_late", 20_000_000),
        ("CLAIMED", "", 10_000_000),
    ]
    assert scene.deposits() == [("CREDITED", 10_000_000, scene.ann.pk)]
    foreign, _, small, late, _ = scene.rows()
    assert scene.events(foreign) == ["refused"]
    for row in (foreign, late):
        with pytest.raises(WrongState):
            services.request_claim(balance_id=row.pk, actor=system("somebody"))
    # What is only too small may be claimed all the same, when a person wants it.
    assert crumb == small.balance_id
    services.request_claim(balance_id=small.pk, actor=system("somebody"))
    scene.world.settle()
    assert scene.available() == "1.9999999"
    assert scene.world.differences() == []


def test_a_frozen_wallet_waits_and_is_charged_for_nothing(scene: Scene) -> None:
    scene.set_aside("5")
    scene.look()
    claim = scene.ask()
    line = {"address": scene.wallet.address, "authorized": False}
    scene.network.control("trustline", line)
    jobs.run(services.JOB, claim.pk)
    claim = Claim.objects.get(pk=claim.pk)
    assert (claim.status, claim.attempts) == ("PENDING", 0)
    assert (claim.problem or {})["code"] == "op_not_authorized"
    scene.network.control("trustline", line | {"authorized": True})
    scene.world.settle()
    _assert_credited_once(scene)


def test_what_the_chain_said_of_it_and_its_states_are_kept_by_the_database(scene: Scene) -> None:
    scene.set_aside("5")
    scene.look()
    (row,) = scene.rows()
    forbidden: list[Callable[[], object]] = [
        lambda: ClaimableBalance.objects.filter(pk=row.pk).update(amount=1),
        lambda: ClaimableBalance.objects.filter(pk=row.pk).update(state="CLAIMED"),
        lambda: ClaimableBalance.objects.filter(pk=row.pk).delete(),
    ]
    for change in forbidden:
        with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
            change()

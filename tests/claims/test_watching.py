"""The round over the wallets: bounded, complete, and not to be drowned in crumbs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from stellar_sdk import Claimant

from offerhub.chain.claimables import Unreadable, opens_at
from offerhub.claims import services, tasks, watching
from offerhub.claims.models import ClaimableBalance, ClaimWatch
from offerhub.core import jobs
from offerhub.core.errors import WrongState
from offerhub.users.models import Wallet
from tests.claims.scene import Scene
from tests.statements import Statements

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FAR = datetime(2200, 1, 1, tzinfo=UTC)


@pytest.fixture
def alone(scene: Scene) -> Iterator[Scene]:
    """The wallets of earlier tests are not looked at, before it and after it."""
    ClaimWatch.objects.update(due_at=FAR, asked_at=None)
    yield scene
    ClaimWatch.objects.update(due_at=FAR, asked_at=None)


def _run(rings: list[jobs.Ring]) -> list[str]:
    """Do what a sweep found; the wallets that were looked at."""
    with jobs.held():
        for ring in rings:
            jobs.step(*ring)
    return [row for _, row in rings]


def test_no_more_wallets_are_looked_at_in_a_minute_than_the_budget_says(
    alone: Scene, settings: Any
) -> None:
    for name in ("bob", "cleo"):
        alone.world.user(name)
    assert watching.enrol_new_wallets() == 0  # while it is turned off nobody is asked
    settings.CLAIM_LOOKS_PER_MINUTE = 2
    tasks.new_wallets()
    ours = ClaimWatch.objects.filter(wallet__marketplace=alone.world.marketplace)
    # Users, platform and resolver; others that earlier tests left are pushed away.
    assert ours.count() == 5
    ClaimWatch.objects.exclude(wallet__in=ours.values("wallet")).update(due_at=FAR)
    ours.update(due_at=Now() - timedelta(hours=1))
    watching.look_now(wallet_id=alone.wallet.pk)
    with Statements(connection) as made:
        found = tasks.looks()
    assert len(made) == 2
    first = _run(found)
    assert first[0] == alone.wallet.pk and len(first) == 2
    assert tasks.looks() == []
    ours.update(asked_at=Now() - timedelta(seconds=61))
    assert len(_run(tasks.looks())) == 2
    ours.update(asked_at=Now() - timedelta(seconds=61))
    assert len(_run(tasks.looks())) == 1
    # All were looked at once, and are due again after the interval.
    ours.update(asked_at=Now() - timedelta(seconds=61))
    assert tasks.looks() == []
    soonest = min(ours.values_list("due_at", flat=True)) - datetime.now(UTC)
    assert timedelta(minutes=14) < soonest <= timedelta(minutes=15)


def test_crumbs_beyond_a_bound_are_counted_and_bury_nothing(
    alone: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MOST_REFUSED", 3)
    monkeypatch.setattr("offerhub.chain.claimables.PAGE", 4)
    mine = Claimant(alone.wallet.address)
    builder = alone.player.builder(alone.eve)
    for _ in range(9):
        builder.append_create_claimable_balance_op(alone.player.usdc, "0.0000001", [mine])
    assert alone.player.submit(builder, alone.eve).ok
    alone.set_aside("5")
    looks = 0
    while True:
        alone.look()
        looks += 1
        watch = ClaimWatch.objects.get(wallet=alone.wallet)
        if watch.due_at > datetime.now(UTC):
            break
    # Ten balances on pages of four, each look one request that goes on behind the last.
    assert looks == 3
    assert [state for state, _, _ in alone.states()].count("REFUSED") == 3
    assert watch.skipped == 6
    alone.world.settle()
    assert alone.available() == "5.00"
    alone.look()
    assert len(alone.rows()) == 4


def test_a_horizon_that_does_not_answer_is_asked_again_from_the_same_place(alone: Scene) -> None:
    alone.set_aside("5")
    alone.network.fault("503", "/claimable_balances", method="GET")
    alone.look()
    watch = ClaimWatch.objects.get(wallet=alone.wallet)
    assert (alone.rows(), watch.cursor) == ([], "")
    assert watch.problem and watch.due_at > datetime.now(UTC)
    alone.make_due()
    alone.look()
    assert [row.state for row in alone.rows()] == ["PENDING"]


def test_what_was_listed_on_another_history_is_not_claimed(alone: Scene) -> None:
    alone.set_aside("5")
    alone.look()
    ClaimWatch.objects.filter(wallet=alone.wallet).update(network="sandbox.0")
    (row,) = alone.rows()
    assert row.pk in watching.due_balances()
    # Whose cursor is of another history begins anew.
    alone.look()
    watch = ClaimWatch.objects.get(wallet=alone.wallet)
    assert watch.network == row.network and watch.cursor
    assert len(alone.rows()) == 1


def test_whoever_holds_the_key_claims_for_themselves(alone: Scene) -> None:
    Wallet.objects.filter(pk=alone.wallet.pk).update(kind="EXTERNAL", status="PENDING")
    try:
        with pytest.raises(WrongState):
            watching.look_now(wallet_id=alone.wallet.pk)
    finally:
        Wallet.objects.filter(pk=alone.wallet.pk).update(kind="MANAGED", status="ACTIVE")
    assert not ClaimableBalance.objects.filter(wallet=alone.wallet).exists()


def _before(seconds: int) -> dict[str, str]:
    return {"abs_before": "", "abs_before_epoch": str(int(NOW.timestamp()) + seconds)}


@pytest.mark.parametrize(
    ("predicate", "opens"),
    [
        ({"unconditional": True}, 0),
        (_before(1), 0),
        (_before(0), None),
        ({"not": _before(60)}, 60),
        ({"not": {"unconditional": True}}, None),
        ({"and": [{"not": _before(60)}, _before(90)]}, 60),
        ({"and": [{"not": _before(60)}, _before(60)]}, None),
        ({"or": [{"not": _before(60)}, {"not": _before(30)}]}, 30),
        ({"or": [{"and": [{"not": _before(60)}, _before(70)]}, _before(-1)]}, 60),
        ({"abs_before": "2026-03-01T00:00:01Z"}, 0),
    ],
)
def test_from_when_on_something_can_be_claimed(
    predicate: dict[str, Any], opens: int | None
) -> None:
    expected = None if opens is None else NOW + timedelta(seconds=opens)
    assert opens_at(predicate, NOW) == expected


@pytest.mark.parametrize(
    "predicate", [{}, {"rel_before": "5"}, {"not": "never"}, {"abs_before": "x"}]
)
def test_a_form_that_is_not_known_is_not_guessed_at(predicate: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        opens_at(predicate, NOW)


def test_the_least_that_is_claimed_is_a_setting(settings: Any) -> None:
    assert services.minimum() == 10_000_000
    settings.CLAIM_MINIMUM = "0.5"
    assert services.minimum() == 5_000_000

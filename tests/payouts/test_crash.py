"""Killed at each named point, a restart finishes with the same balances: paid exactly once."""

import pytest

from tests.crash.workers import Killed
from tests.payouts.scene import HELD, PAID, PAID_UNSEEN, Scene

# Where it dies, the money that everybody sees then, and whether an envelope is kept.
POINTS = [
    ("after_build", HELD, False),
    ("after_sign", HELD, False),
    ("before_submit", HELD, True),
    ("after_submit", PAID_UNSEEN, True),
    ("before_confirm", PAID_UNSEEN, True),
    ("after_confirm", PAID, True),
]


@pytest.fixture
def killed_at(scene: Scene, worker: Killed) -> Killed:
    """Run a withdrawal's job in a process that dies at the point; its exit code."""

    def run(point: str, withdrawal: str) -> int:
        return worker("payouts.attempt", scene.attempt(withdrawal).id, point=point)

    return run


@pytest.mark.parametrize(("point", "then", "kept"), POINTS)
def test_a_restart_finishes_what_was_begun(
    scene: Scene, killed_at: Killed, point: str, then: tuple[str, ...], kept: bool
) -> None:
    withdrawal = scene.ask()
    assert killed_at(point, withdrawal) == 137
    assert scene.money() == then
    first = scene.attempt(withdrawal)
    assert (bool(first.hash), scene.row(withdrawal).status != "REQUESTED") == (kept, kept)
    scene.run(withdrawal)
    attempt = scene.attempt(withdrawal)
    assert (attempt.status, attempt.attempts) == ("CONFIRMED", 1)
    assert not kept or attempt.hash == first.hash
    assert scene.row(withdrawal).status == "COMPLETED"
    assert (scene.money(), scene.payments()) == (PAID, 1)
    assert scene.wallet.lane == ""
    assert scene.books_are_right()


def test_a_withdrawal_whose_bell_nobody_heard_is_swept(scene: Scene) -> None:
    """The process died between the commit and the ring: the row is the queue."""
    withdrawal = scene.ask()
    scene.world.work()
    assert scene.row(withdrawal).status == "COMPLETED"
    assert (scene.money(), scene.payments()) == (PAID, 1)


def test_while_a_dead_runners_lease_lasts_nobody_else_touches_the_row(
    scene: Scene, killed_at: Killed
) -> None:
    from offerhub.core import jobs

    withdrawal = scene.ask()
    assert killed_at("after_submit", withdrawal) == 137
    jobs.run("payouts.attempt", scene.attempt(withdrawal).id)
    assert scene.row(withdrawal).status == "SUBMITTED"
    assert scene.money() == PAID_UNSEEN
    scene.run(withdrawal)
    assert (scene.money(), scene.payments()) == (PAID, 1)

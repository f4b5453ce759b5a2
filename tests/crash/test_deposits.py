"""A monitor that dies while it books: cursor and credits commit together or not at all."""

import pytest
from django.db.models.functions import Now

from offerhub.core import jobs
from offerhub.deposits import scans
from offerhub.deposits.models import WalletScan
from tests.crash.child import MONITOR
from tests.crash.scene import Scene
from tests.crash.workers import Killed


def _balances(scene: Scene) -> tuple[str, str]:
    return tuple(scene.world.balance(user)["available"] for user in (scene.ann, scene.bob))  # type: ignore[return-value]


@pytest.mark.parametrize("deaths", [1, 3])
def test_a_monitor_that_dies_before_its_commit_credits_once(
    scene: Scene, worker: Killed, deaths: int
) -> None:
    for user in (scene.ann, scene.ann, scene.bob):
        scene.world.network.mint(scene.world.wallet(user).address, "7")
    for _ in range(deaths):
        assert worker(MONITOR, point="before_page_commit") == 137
        assert _balances(scene) == ("100.00", "0.00")
    scene.world.watch()
    assert _balances(scene) == ("114.00", "7.00")
    scene.world.watch()
    assert _balances(scene) == ("114.00", "7.00")
    assert scene.world.differences() == []


def test_a_scan_that_dies_before_its_commit_credits_once(scene: Scene, worker: Killed) -> None:
    wallet = scene.world.wallet(scene.bob)
    scene.world.network.mint(wallet.address, "7")
    scans.enrol_new_wallets()
    _make_due(wallet.pk)
    assert worker("deposits.scan", wallet.pk, point="before_scan_commit") == 137
    assert _balances(scene) == ("100.00", "0.00")
    assert WalletScan.objects.get(pk=wallet.pk).cursor == ""
    jobs.run("deposits.scan", wallet.pk)  # the dead worker's lease lasts
    assert _balances(scene) == ("100.00", "0.00")
    _make_due(wallet.pk)
    jobs.run("deposits.scan", wallet.pk)
    assert _balances(scene) == ("100.00", "7.00")
    scene.world.watch()
    assert _balances(scene) == ("100.00", "7.00")
    assert scene.world.differences() == []


def _make_due(wallet: str) -> None:
    """As if the wallet's appointment had come, or the lease of a dead worker had run out."""
    WalletScan.objects.filter(pk=wallet).update(due_at=Now())

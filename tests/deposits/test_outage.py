"""A day without the monitor, in small; `python -m tests.deposits.outage` measures the full size."""

import signal

from django.db.models.functions import Now

from offerhub.core.money import format_amount
from offerhub.deposits import scans
from offerhub.deposits.models import WalletScan
from offerhub.deposits.services import position_of
from tests.crash.child import MONITOR
from tests.crash.workers import Killed
from tests.deposits.outage import Outage
from tests.deposits.scene import Scene


def _everything_is_there_once(outage: Outage, transfers: int) -> None:
    scene = outage.scene
    deposits = scene.deposits()
    assert len(deposits) == len(scene.entries()) == len(scene.events()) == transfers
    assert len({(d.operation, d.index, d.address) for d in deposits}) == transfers
    each = transfers // len(outage.users)
    assert [scene.available(user) for user in outage.users] == [
        format_amount(each * 10_000_000)
    ] * len(outage.users)
    assert scene.world.differences() == []


def test_a_day_of_transfers_is_caught_up_without_a_miss_or_a_double(scene: Scene) -> None:
    outage = Outage(scene, users=5)
    outage.pass_by(1000)
    assert outage.catch_up() < 60
    _everything_is_there_once(outage, 1000)


def test_a_monitor_that_is_killed_before_it_commits_books_the_page_next_time(
    scene: Scene, worker: Killed
) -> None:
    scene.network.mint(scene.address, "5")
    before = position_of(scene.cursor)
    assert worker(MONITOR, point="before_page_commit") == 137
    assert (scene.deposits(), scene.available()) == ([], "0.00")
    assert position_of(scene.cursor) == before
    scene.watch()
    assert (scene.available(), len(scene.entries()), len(scene.events())) == ("5.00", 1, 1)


def test_a_scan_that_is_killed_before_it_commits_books_the_page_next_time(
    scene: Scene, worker: Killed
) -> None:
    scans.enrol_new_wallets()
    scene.network.mint(scene.address, "5")
    WalletScan.objects.filter(wallet=scene.wallet).update(due_at=Now())
    assert worker("deposits.scan", scene.wallet.id, point="before_scan_commit") == 137
    one = WalletScan.objects.get(wallet=scene.wallet)
    assert (scene.deposits(), one.cursor) == ([], "")
    assert scene.wallet.id not in scans.due(), "another worker takes it when the lease is over"
    WalletScan.objects.filter(wallet=scene.wallet).update(due_at=Now())
    scans.scan(scene.wallet.id)
    assert (scene.available(), len(scene.entries())) == ("5.00", 1)


def test_monitors_that_are_killed_again_and_again_leave_everything_there_once(
    scene: Scene, worker: Killed
) -> None:
    outage = Outage(scene, users=5)
    outage.pass_by(1000)
    # Small pages, so that even a fast machine is in the middle of them three times.
    ends = [worker(MONITOR, seconds=0.1 + 0.05 * number, page=5) for number in range(3)]
    assert ends == [-signal.SIGALRM] * 3
    assert len(scene.deposits()) < 1000
    scene.watch()
    _everything_is_there_once(outage, 1000)

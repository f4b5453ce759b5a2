"""A day without the monitor, in small; `python -m tests.deposits.outage` measures the full size."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from offerhub.core.money import format_amount
from offerhub.deposits import scans
from offerhub.deposits.models import WalletScan
from offerhub.deposits.services import position_of
from tests.deposits.outage import Outage
from tests.deposits.scene import Scene
from tests.network import ROOT

# A monitor, or a worker that scans, that is killed: the named point ends it as `kill -9` would.
CHILD = """
import sys
import django
from django.conf import settings

settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.SANDBOX_URL = sys.argv[2]
django.setup()
from offerhub.deposits import monitor, scans

monitor.PAGE = int(sys.argv[3])
if len(sys.argv) > 4:
    scans.scan(sys.argv[4])
else:
    monitor.poll()
"""


def _child(*arguments: str, crash_at: str = "", page: int = 500) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "OFFERHUB_CRASH_AT": crash_at,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    place = [str(connection.settings_dict["NAME"]), settings.SANDBOX_URL, str(page)]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *place, *arguments], cwd=ROOT, env=environment
    )


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


def test_a_monitor_that_is_killed_before_it_commits_books_the_page_next_time(scene: Scene) -> None:
    scene.network.mint(scene.address, "5")
    before = position_of(scene.cursor)
    assert _child(crash_at="before_page_commit").wait(60) == 137
    assert (scene.deposits(), scene.available()) == ([], "0.00")
    assert position_of(scene.cursor) == before
    scene.watch()
    assert (scene.available(), len(scene.entries()), len(scene.events())) == ("5.00", 1, 1)


def test_a_scan_that_is_killed_before_it_commits_books_the_page_next_time(scene: Scene) -> None:
    scans.enrol_new_wallets()
    scene.network.mint(scene.address, "5")
    WalletScan.objects.filter(wallet=scene.wallet).update(due_at=Now())
    assert _child(scene.wallet.id, crash_at="before_scan_commit").wait(60) == 137
    one = WalletScan.objects.get(wallet=scene.wallet)
    assert (scene.deposits(), one.cursor) == ([], "")
    assert scene.wallet.id not in scans.due(), "another worker takes it when the lease is over"
    WalletScan.objects.filter(wallet=scene.wallet).update(due_at=Now())
    scans.scan(scene.wallet.id)
    assert (scene.available(), len(scene.entries())) == ("5.00", 1)


@pytest.mark.slow
def test_monitors_that_are_killed_again_and_again_leave_everything_there_once(
    scene: Scene,
) -> None:
    outage = Outage(scene, users=5)
    outage.pass_by(1000)
    kills = 0
    for number in range(6):
        child = _child(page=25)
        try:
            child.wait(1.5 + 0.2 * number)
        except subprocess.TimeoutExpired:
            child.kill()
            kills += child.wait() != 0
    assert kills >= 1
    scene.watch()
    _everything_is_there_once(outage, 1000)

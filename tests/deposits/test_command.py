"""`manage.py monitor` as a process: it follows, waits for what is away, and stops when told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from offerhub.deposits.models import ChainCursor
from offerhub.management.commands.monitor import Command
from tests.deposits.scene import Scene, bent
from tests.network import ROOT

pytestmark = pytest.mark.slow


def _until(true: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen in {seconds} s")


@contextmanager
def _running(folder: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command on the tests' own database and network."""
    database: dict[str, Any] = connection.settings_dict
    url = f"postgresql://{database['USER']}:@/{database['NAME']}?host={database['OPTIONS']['host']}"
    known = {
        "DATABASE_URL": url,
        "OFFERHUB_SANDBOX_URL": settings.SANDBOX_URL,
        "OFFERHUB_READY_FILE": str(folder / "ready"),
        "DJANGO_SETTINGS_MODULE": "offerhub.settings",
        "LOG_LEVEL": "CRITICAL",
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "monitor"], cwd=ROOT, env=os.environ | known | environment
    )
    try:
        _until(lambda: (folder / "ready").exists(), "readiness")
        yield process
    finally:
        process.kill()
        process.wait()


def test_it_credits_what_arrives_and_ends_at_a_signal(scene: Scene, tmp_path: Path) -> None:
    with _running(tmp_path) as process:
        scene.network.mint(scene.address, "5")
        _until(lambda: scene.available() == "5.00", "the credit", 10)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_it_goes_on_when_the_network_was_away(scene: Scene, tmp_path: Path) -> None:
    with _running(tmp_path):
        scene.network.fault("drop", "/rpc", times=2)
        scene.network.mint(scene.address, "5")
        _until(lambda: scene.available() == "5.00", "the credit")


def test_it_goes_on_when_the_database_was_away(scene: Scene, tmp_path: Path) -> None:
    with _running(tmp_path) as process:
        for _ in range(5):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            time.sleep(0.1)
        scene.network.mint(scene.address, "5")
        _until(lambda: scene.available() == "5.00", "the credit")
        assert process.poll() is None


def test_two_of_them_credit_once(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with _running(tmp_path), _running(tmp_path / "b"):
        for _ in range(20):
            scene.network.mint(scene.address, "1")
        _until(lambda: scene.available() == "20.00", "the credits")
    scene.watch()
    assert (scene.available(), len(scene.entries())) == ("20.00", 20)


def test_once_reads_up_to_now_and_says_what_it_found(scene: Scene) -> None:
    scene.network.mint(scene.address, "5")
    told = StringIO()
    call_command("monitor", "--once", stdout=told)
    assert told.getvalue().startswith("1 credited, 0 in suspense, 0 known before, 0 not readable")
    assert scene.available() == "5.00"


def test_once_says_that_the_network_is_away(scene: Scene) -> None:
    scene.network.fault("503", "/rpc")
    with pytest.raises(CommandError, match="503"):
        call_command("monitor", "--once")


def test_resync_is_how_an_operator_goes_on_after_a_halt(scene: Scene) -> None:
    with bent(scene.network.url):
        history = scene.cursor.history
        ChainCursor.objects.update(state="HALTED", problem="the network was reset")
        with pytest.raises(CommandError, match="was reset"):
            call_command("monitor", "--once")
        call_command("monitor", "--resync", "--once", stdout=StringIO())
    assert (scene.cursor.state, scene.cursor.history) == ("FOLLOWING", history + 1)


def test_the_help_shows_an_example() -> None:
    assert "Example: python manage.py monitor --once" in Command.help

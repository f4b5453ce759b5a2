"""Restarts: what was acknowledged is still there, whoever was killed whenever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from stellar_sdk import Keypair

from offerhub.sandbox.network import Network
from offerhub.sandbox.options import Options
from offerhub.sandbox.server import main
from tests.sandbox.deal import Deal
from tests.sandbox.player import Player

ROOT = Path(__file__).parents[2]


class Process:
    """A sandbox in a process of its own."""

    def __init__(self, data: Path, *more: str) -> None:
        command = [sys.executable, "-m", "offerhub.sandbox", "--port", "0", "--data", str(data)]
        self.process = subprocess.Popen(
            [*command, *more], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.player = Player(line.split()[3])

    def kill(self, number: int = signal.SIGKILL) -> int:
        self.player.http.close()
        os.kill(self.process.pid, number)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(10)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def one(*more: str) -> Process:
        made.append(Process(tmp_path / "sandbox.db", *more))
        return made[-1]

    yield one
    for process in made:
        if process.process.poll() is None:
            process.kill()


def test_a_killed_sandbox_goes_on_where_it_was(run: Callable[..., Process]) -> None:
    first = run()
    deal = Deal(first.player).funded(123.45)
    state = first.player.get("/control/state").json()
    offset = first.player.control("clock", advance="P1D")["latestLedger"]
    first.kill()
    second = run()
    deal.player = second.player
    assert second.player.get("/control/state").json() == state
    assert second.player.health["latestLedger"] == offset
    assert second.player.get("/control/clock").json()["offset"] == 86_400
    assert deal.row()["balance"] == 123.45
    deal.fund(1)
    assert str(deal.player.held(deal.contract)) == "124.4500000"
    assert deal.row()["balance"] == 124.45


def test_nothing_acknowledged_is_lost_when_it_is_killed_while_paying(
    run: Callable[..., Process],
) -> None:
    first = run()
    a, b = first.player.person("1000000"), first.player.person()
    acknowledged: list[str] = []

    def pay() -> None:
        builder = first.player.builder(a)
        with requests.Session() as http:
            while True:
                builder.operations.clear()
                builder.append_payment_op(b.public_key, first.player.usdc, "1")
                text = first.player.signed(builder, a)
                try:
                    answer = http.post(f"{first.player.url}/transactions", {"tx": text})
                except requests.RequestException:
                    return
                acknowledged.append(answer.json()["hash"])

    paying = threading.Thread(target=pay)
    paying.start()
    while len(acknowledged) < 100:
        paying.join(0.01)
    first.kill()
    paying.join(10)
    second = run()
    landed = int(second.player.balance(b.public_key))
    assert landed - len(acknowledged) in (0, 1)
    for digest in acknowledged[-20:]:
        assert second.player.get(f"/transactions/{digest}").json()["successful"] is True
    supply = second.player.get("/control/state").json()["supply"]
    assert supply[f"USDC:{second.player.issuer}"] == "1000000.0000000"


def test_it_stops_when_asked(run: Callable[..., Process]) -> None:
    assert run().kill(signal.SIGTERM) == 0


def test_a_file_of_another_seed_is_refused(run: Callable[..., Process], tmp_path: Path) -> None:
    run("--seed", "one").kill(signal.SIGTERM)
    assert main(["--port", "0", "--data", str(tmp_path / "sandbox.db"), "--seed", "two"]) == 1


def test_builds_after_a_restart_never_reuse_a_salt(tmp_path: Path) -> None:
    from offerhub.sandbox.builds import Builds

    seen: set[bytes] = set()
    for _ in range(3):
        network = Network(Options(data=str(tmp_path / "sandbox.db")))
        builds: Any = Builds(network)
        seen |= {builds._salt() for _ in range(5)}
        network.store.close()
    assert len(seen) == 15


def test_the_seed_decides_everything_that_is_published(start: Callable[..., Player]) -> None:
    first, second, other = start(), start(), start(seed="another")
    assert first.health == second.health
    names = ("usdcIssuer", "factoryAddress", "trustlessWorkApiKey", "trustlessWorkFeeAddress")
    assert all(first.health[name] != other.health[name] for name in names)


def test_the_same_calls_make_the_same_contract(start: Callable[..., Player]) -> None:
    made = []
    for _ in range(2):
        deal = Deal(start())
        made.append(deal.deploy().contract)
    assert made[0] == made[1]


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert "example:" in shown
    assert "--protocol-fee-bps" in shown


def test_a_taken_port_is_said(start: Callable[..., Player], capsys: Any) -> None:
    port = start().url.rsplit(":", 1)[1]
    assert main(["--port", port]) == 1
    assert "cannot start the sandbox" in capsys.readouterr().err


def test_it_listens_on_this_machine_only(player: Player) -> None:
    assert player.url.startswith("http://127.0.0.1:")


def test_the_package_imports_nothing_of_ours() -> None:
    code = (
        "import sys, offerhub.sandbox.server;"
        "ours = [m for m in sys.modules if m.split('.')[0] in"
        " ('django', 'ledger', 'orders', 'disputes', 'payouts')"
        " or m.startswith('offerhub.') and not m.startswith('offerhub.sandbox')];"
        "print(ours)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_fresh_wallet_is_deterministic_too() -> None:
    from offerhub.sandbox.keys import Keys

    assert Keys("a").keypair("issuer") == Keys("a").keypair("issuer")
    assert Keys("a").keypair("issuer") != Keys("b").keypair("issuer")
    assert isinstance(Keys("a").keypair("root"), Keypair)

"""The freelance case through the public API ends with the same balances, whatever is killed."""

import json
import os
import signal
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.processes.children import child, clean_environment, until
from tests.processes.installation import START, Installation

pytestmark = pytest.mark.slow
STEPS = 14


def done(installation: Installation) -> list[str]:
    """The steps that the demo has written down."""
    file = installation.folder / "demo.json"
    if not file.exists():
        return []
    steps: list[str] = json.loads(file.read_text())["freelance"]["done"]
    return steps


def wait_for_step(installation: Installation, count: int) -> None:
    until(lambda: len(done(installation)) >= count, START, lambda: installation.output)


def start_with_demo(installation: Installation, **options: Any) -> Any:
    command = (sys.executable, "manage.py", "up", "--port", str(installation.port))
    return installation.started(command=command, **options)


def held(state: dict[str, Any], address: str) -> Decimal:
    """What the network says an account holds of the dollar token."""
    accounts = state["accounts"][address].items()
    return sum((Decimal(v) for k, v in accounts if k.startswith("USDC:")), Decimal(0))


def assert_the_balances_add_up(installation: Installation, run: int = 1) -> None:
    facts = installation.facts
    diary = json.loads((installation.folder / "demo.json").read_text())["freelance"]["facts"]
    bearer = f"Bearer {facts['apiKey']}"

    def balance(word: str) -> dict[str, str]:
        path = f"/api/v1/users/freelance-{run}-{word}/balance"
        answer = installation.get(path, Authorization=bearer)
        assert answer.status_code == 200, answer.text
        content: dict[str, str] = answer.json()
        return content

    assert Decimal(balance("client")["total"]) == 0
    freelancer = balance("freelancer")
    assert Decimal(freelancer["available"]) == Decimal(freelancer["total"]) == 300
    state = requests.get(f"{facts['sandboxUrl']}/control/state", timeout=10).json()
    assert held(state, diary["client address"]) == 0
    assert held(state, diary["freelancer address"]) == 300
    assert held(state, diary["destination"]) == 200
    assert Decimal(state["contracts"][diary["contract"]]["balance"]) == 0


def test_the_demo_plays_with_the_first_start_and_again_on_demand(
    empty: Installation,
) -> None:
    with start_with_demo(empty):
        assert len(done(empty)) == STEPS + 1
        assert_the_balances_add_up(empty)
        tables = [line.split() for line in empty.output.splitlines() if "together" in line]
        assert tables == [
            ["together", "500.00", "500.00", "0.00"],
            ["together", "150.00", "150.00", "0.00"],
        ]

        environment = clean_environment(OFFERHUB_VAR=str(empty.folder), COLUMNS="200")
        log = empty.folder / "again"
        command = (sys.executable, "manage.py", "demo")
        with child(*command, log=log, environment=environment) as again:
            assert again.wait(START) == 0, log.read_text()
        text = log.read_text()
        assert "run 2" in text
        lines = [line.split() for line in text.splitlines() if line.startswith("   Use case ")]
        assert [line[2] for line in lines] == ["1:", "2:", "3:", "4:", "5:", "6:", "6:"]
        assert {line[-1] for line in lines} == {"0.00"}  # no difference
        assert_the_balances_add_up(empty, run=2)
    with start_with_demo(empty):
        assert "run 2" in empty.output
        assert "played earlier" in empty.output
        assert_the_balances_add_up(empty, run=2)


def test_processes_that_are_killed_during_the_demo_change_nothing(
    installation: Installation,
) -> None:
    victims = ["web", "postgres", "worker", "sandbox", "monitor"]
    with start_with_demo(installation, wait=False) as process:
        for count in range(1, STEPS, 2):
            wait_for_step(installation, count)
            pid = installation.pids().get(victims[count % len(victims)])
            if pid:
                os.kill(pid, signal.SIGKILL)
        installation.wait_until_up(process)
        assert len(done(installation)) == STEPS + 1, installation.output
        assert_the_balances_add_up(installation)


def test_a_demo_whose_supervisor_is_killed_again_and_again_ends_the_same(
    installation: Installation,
) -> None:
    for count in (3, 9):
        with start_with_demo(installation, wait=False) as process:
            wait_for_step(installation, count)
            os.kill(process.pid, signal.SIGKILL)
    with start_with_demo(installation):
        assert "going on where it stopped" in installation.output
        assert len(done(installation)) == STEPS + 1
        assert_the_balances_add_up(installation)


def test_without_a_running_instance_the_demo_says_what_to_do(tmp_path: Path) -> None:
    log = tmp_path / "log"
    environment = clean_environment(OFFERHUB_VAR=str(tmp_path / "var"), COLUMNS="200")
    with child(sys.executable, "manage.py", "demo", log=log, environment=environment) as demo:
        assert demo.wait(120) == 1
    assert "make run" in log.read_text()

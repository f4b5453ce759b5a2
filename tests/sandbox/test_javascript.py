"""The published npm packages, unmodified, against a running sandbox."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.node import installed, need
from tests.sandbox.player import Player

HERE = Path(__file__).parent / "js"
FILES = ("package.json", "package-lock.json", "play.mjs")


def played(player: Player) -> dict[str, Any]:
    done = subprocess.run(
        [need("node"), "play.mjs"],
        cwd=installed(HERE, FILES),
        env={**os.environ, "SANDBOX_URL": player.url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_published_javascript_clients_play_whole_escrows(player: Player) -> None:
    seen = played(player)
    # 500 released and 5 % of it kept: 475. Then 190 of a milestone resolved, 200 released.
    assert seen["single"]["seller"] == "475.0000000"
    assert seen["multi"]["seller"] == "845.5000000"
    # 2000 - 1000 funded + 95 of the resolution and 9.5 of what was left.
    assert seen["multi"]["buyer"] == "1104.5000000"
    assert seen["multi"]["platform"] == "50.0000000"
    assert seen["multi"]["balances"] == [{"address": seen["multi"]["contractId"], "balance": 0}]
    assert seen["multi"]["rows"] == [seen["multi"]["contractId"]]
    flags = seen["multi"]["flags"]
    assert [(f["released"], f["resolved"]) for f in flags] == [(True, False), (False, True)]
    assert seen["forged"]["status"] == 400
    assert "tx_bad_auth" in seen["forged"]["message"]
    assert seen["rpc"] == {
        "sent": "PENDING",
        "done": "SUCCESS",
        "latest": True,
        "returned": "scvVoid",
        "value": "12345",
        "events": 1,
        "held": "12345",
        "header": True,
    }
    assert seen["payments"] == ["create_account", *["invoke_host_function"] * 3]
    supply = player.get("/control/state").json()["supply"]
    assert supply[f"USDC:{player.issuer}"] == "2000.0000000"


def test_the_lock_file_names_no_address() -> None:
    lock = (HERE / "package-lock.json").read_text()
    assert '"integrity"' in lock
    assert "://" not in lock
    assert '"resolved"' not in lock

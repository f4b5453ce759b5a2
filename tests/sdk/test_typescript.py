"""The TypeScript package as a marketplace gets it, against the product on the sandbox network."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from offerhub.users import services as users
from tests.http import Api
from tests.node import installed, need
from tests.world import ACTOR, World

ROOT = Path(__file__).parents[2]
HERE = ROOT / "sdk" / "typescript"
FILES = ("package.json", "package-lock.json", "tsconfig.json", "scripts", "src", "test")


@pytest.fixture(scope="module")
def package() -> Path:
    """The built package, with its tests beside it."""
    return installed(HERE, FILES, "build")


def node(package: Path, *arguments: str, api: Api | None = None, told: str = "") -> str:
    """What a script says that was told something. It finds the package by its name, as everybody
    does."""
    variables = dict(os.environ)
    if api is not None:
        base = api.url.removesuffix("/api/v1")
        variables |= {"OFFERHUB_API_KEY": api.key, "OFFERHUB_BASE_URL": base}
    done = subprocess.run(
        [need("node"), *arguments],
        cwd=package,
        env=variables,
        input=told,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass(package: Path) -> None:
    said = node(package, "--test", "test/core.test.mjs")
    assert re.search(r"^# fail 0$", said, re.MULTILINE), said
    assert re.search(r"^# skipped 0$", said, re.MULTILINE), said


def test_it_plays_use_case_1(package: Path, world: World, api: Api) -> None:
    world.user("client_123", money="500")
    world.user("freelancer_456")
    said = node(package, "test/live.mjs", "client_123", "freelancer_456", world.stranger(), api=api)
    seen: dict[str, Any] = json.loads(said)
    assert seen == {
        "funded": "FUNDED",
        "steps": ["COMPLETED", "APPROVED", "RELEASED"],
        "withdrawal": "COMPLETED",
        "refused": "insufficient_funds",
        "lines": ["-500.00", "500.00"],
        "balance": ["0.00", "0.00"],
        "key": "test",
    }
    assert world.differences() == []


def test_the_missions_lines_run_as_they_are_printed(
    package: Path, world: World, api: Api, settings: Any
) -> None:
    """At once, and again with each call to the contract delayed for longer than a request waits."""
    printed = ROOT / "sdk" / "typescript" / "test" / "snippet.mjs"
    assert "usr_123" in printed.read_text()
    for number, name in enumerate(("usr_123", "usr_456")):
        new = users.NewUser(external_id=f"sdk-{number}", id=name)
        users.create_user(marketplace_id=world.marketplace.id, new=new, actor=ACTOR)
    world.settle()
    buyer = users.get_user(world.marketplace.id, "usr_123")
    seller = users.get_user(world.marketplace.id, "usr_456")
    world.network.mint(world.wallet(buyer).address, "200")
    world.watch()
    lines = ("--import", "./test/as-marketplace.mjs", "test/snippet.mjs")
    node(package, *lines, api=api)
    assert world.balance(seller)["available"] == "100.00"
    settings.API_WAIT_SECONDS = 0.5
    world.network.fault("", "/helper/send-transaction", times=5, delay=1.5)
    node(package, *lines, api=api)
    assert world.balance(seller)["available"] == "200.00"
    assert world.balance(buyer)["available"] == "0.00"
    assert world.differences() == []


def test_it_needs_nothing_at_run_time_and_packs_both_module_systems(package: Path) -> None:
    about = json.loads((HERE / "package.json").read_text())
    assert "dependencies" not in about
    pack = [need("npm"), "pack", "--dry-run", "--json", "--ignore-scripts"]
    done = subprocess.run(pack, cwd=package, capture_output=True, text=True, check=True)
    files = {f["path"] for f in json.loads(done.stdout)[0]["files"]}
    for kind in ("esm", "cjs"):
        assert {f"dist/{kind}/index.js", f"dist/{kind}/index.d.ts"} <= files
    assert not [f for f in files if f.startswith(("src", "test", "scripts"))]


def test_the_lock_file_names_no_address() -> None:
    lock = (HERE / "package-lock.json").read_text()
    assert '"integrity"' in lock
    assert "://" not in lock

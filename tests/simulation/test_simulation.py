"""The simulator in the test command: a few seeds, the same digests twice, a model of its own."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.network import ROOT


def simulate(*options: str) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own: it replaces this process's time."""
    command = [sys.executable, "-m", "tests.simulation", "--database", "simulation_test", *options]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ}, capture_output=True, text=True, timeout=300
    )


def test_the_same_seed_gives_the_same_digest_and_nothing_is_wrong() -> None:
    first = simulate("--seed", "1", "--seeds", "2", "--steps", "60")
    assert first.returncode == 0, first.stdout + first.stderr
    second = simulate("--seed", "1", "--seeds", "2", "--steps", "60")
    digests = re.findall(r"digest (\w+)", first.stdout)
    assert len(set(digests)) == 2
    assert re.findall(r"digest (\w+)", second.stdout) == digests


@pytest.mark.parametrize(
    ("defect", "seed", "found"),
    [
        ("first-milestone-only", 1, ", model "),
        ("no-idempotency", 1, "answered another thing"),
    ],
)
def test_a_defect_that_is_put_back_is_found(defect: str, seed: int, found: str) -> None:
    run = simulate(*("--seed", str(seed), "--steps", "250", "--defect", defect), *("--shrink", "0"))
    assert run.returncode == 1, run.stdout + run.stderr
    assert found in run.stdout
    assert f"--seed {seed} --steps 250 --defect {defect}" in run.stdout


def test_the_model_shares_no_code_with_the_product() -> None:
    named = [name for file in ("model.py", "agreed.py") for name in _imports(file)]
    assert set(named) == {"collections", "dataclasses", "tests.simulation.agreed"}


def _imports(file: str) -> list[str]:
    tree = ast.parse((Path(__file__).parent / file).read_text())
    plain = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    others = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return [a.name for node in plain for a in node.names] + [node.module or "" for node in others]

"""The simulator in the test command: a few seeds, the same digests twice, a model of its own."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.network import ROOT


def simulate(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own: it replaces this process's time."""
    own = ("--database", "simulation_test", "--jobs", "1")
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *own, *options],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=600,
    )


def digests(run: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Of each seed."""
    assert run.returncode == 0, run.stdout + run.stderr
    return dict(re.findall(r"^seed (\d+) +digest (\w+)", run.stdout, re.MULTILINE))


def test_no_seed_finds_anything_and_one_is_the_same_again() -> None:
    first = digests(simulate("--seeds", "20", "--steps", "200", PYTHONHASHSEED="1"))
    assert len(set(first.values())) == 20
    # This one shows it when sets are not in the order of before.
    again = digests(simulate("--seed", "14", "--steps", "200", PYTHONHASHSEED="2"))
    assert again == {"14": first["14"]}


@pytest.mark.parametrize(
    ("defect", "seed", "found"),
    [
        ("first-milestone-only", 1, "already_released"),
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

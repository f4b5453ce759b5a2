"""Known defects, put back one at a time: `make simulate DEFECT=name` must find each of them.

Patches of this process alone, made when asked for; nothing of the product knows of them.
`python -m tests.simulation --defects` plays seeds for each until one finds it, and prints the list.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation import defects_chain, defects_rooms


@dataclass(frozen=True)
class Defect:
    """What it does, and how it is put back."""

    effect: str
    put_back: Callable[[], None]


_ALL = {**defects_chain.DEFECTS, **defects_rooms.DEFECTS}
DEFECTS = {name: Defect(*defect) for name, defect in _ALL.items()}
FOUND = re.compile(r"^seed (\S+) .*\n  (.+)$", re.MULTILINE)


def measure(seeds: int, steps: int, database: str, say: Callable[[str], None]) -> int:
    """Which seed finds each defect first, as lines of a table; how many were not found.

    Each is put back into a process of its own, which ends with it.
    """
    say(f"| Defect | What it does | Seed of {seeds} | Found as |\n|---|---|---|---|")
    missed = 0
    for name, defect in DEFECTS.items():
        options = ["--seeds", str(seeds), "--steps", str(steps), "--shrink", "0", "--jobs", "1"]
        command = [sys.executable, "-m", "tests.simulation", "--defect", name, *options]
        run = subprocess.run(
            [*command, "--database", database], capture_output=True, text=True, check=False
        )
        found = FOUND.search(run.stdout) if run.returncode == 1 else None
        missed += found is None
        seed, problem = found.groups() if found else ("none", run.stderr[-200:])
        say(f"| `{name}` | {defect.effect} | {seed} | {problem[:90]} |")
    return missed

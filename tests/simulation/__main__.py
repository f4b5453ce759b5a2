"""`python -m tests.simulation --seed 7 --steps 500 --seeds 20`: see README.md."""

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import django

os.environ["LOG_LEVEL"] = "WARNING"  # read by the stage alone: what goes wrong is meant to
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from the first on")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="seeds at a time")
    parser.add_argument("--seconds", type=float, default=0.0, help="begin no further seed then")
    parser.add_argument(
        "--shrink", type=float, default=60.0, help="seconds to make a failure small"
    )
    parser.add_argument("--only", default="", help="numbers of the steps to play: 3,17,20")
    parser.add_argument("--defect", default="", help="put a known defect back (defects.py)")
    parser.add_argument(
        "--defects", action="store_true", help="which seed finds each of them, of 30 unless said"
    )
    parser.add_argument("--database", default="simulation")
    parser.add_argument("--go-on", action="store_true", help="play all seeds, whatever fails")
    parser.add_argument("--show", action="store_true", help="print the record")
    return parser.parse_args()


def say(line: str) -> None:
    """One line of the report, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _share(asked: argparse.Namespace, number: int) -> tuple[int, int, int]:
    """Every JOBS-th seed on a database of its own: how many seeds, operations and failures."""
    from tests.simulation import clock, database

    database.use(f"{asked.database}_{number}")
    clock.install()
    if asked.defect:
        from tests.simulation.defects import DEFECTS

        DEFECTS[asked.defect].put_back()
    from tests.simulation.seeds import Seeds

    began, runs = time.perf_counter(), Seeds(asked, say)
    for seed in range(asked.seed + number, asked.seed + asked.seeds, asked.jobs):
        if asked.seconds and time.perf_counter() - began > asked.seconds:
            break
        runs.play(str(seed))
        if runs.failed and not asked.go_on:
            break
    return runs.played, runs.operations, runs.failed


def main() -> int:
    """The exit status: 1 when a run found something."""
    asked = _asked()
    django.setup()
    if asked.defects:
        from tests.simulation.defects import measure

        return 1 if measure(max(asked.seeds, 30), asked.steps, asked.database, say) else 0
    asked.jobs = min(asked.jobs, asked.seeds)
    began = time.perf_counter()
    with ProcessPoolExecutor(asked.jobs, multiprocessing.get_context("fork")) as pool:
        shares = pool.map(_share, [asked] * asked.jobs, range(asked.jobs))
        played, operations, failed = map(sum, zip(*shares, strict=True))
    took = time.perf_counter() - began
    say(f"{played} seeds, {operations} operations, {failed} failed, {took:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # or sets have another order in each process
        again = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(again[0], again, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606
    sys.exit(main())

"""`make fuzz`: schemathesis over the API's whole document, against an instance of its own.

    python -m tests.fuzz                     25,000 requests and more, some minutes
    python -m tests.fuzz --examples 10       fewer
    python -m tests.fuzz --only /orders      some routes

Rounds: with a key that may do everything; without a key; and at the end the routes that change
the network's time and its faults, which would make every round after them another one. Then nothing
may stand in the logs that was not foreseen, and books, records, seals and chain must agree.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.instance import ROOT, Instance, beside, environment_of, own_folder, running_in
from tests.fuzz.run import Found, Plan, fuzz
from tests.http import Api
from tests.network import Network
from tests.shop import Shop

# They change what every other request meets: the time, and the network's good will.
MOVING = "/sandbox/(clock|faults)$"
# What a worker logs as an error for the last round's own faults: an envelope was tampered with.
FORESEEN = ("envelope_refused",)
SETTINGS = {
    "OFFERHUB_API_WAIT_SECONDS": "0.2",  # whoever wants to wait longer says so
    "OFFERHUB_MONITOR_SECONDS": "1",
}


def main() -> int:
    """The exit status: 1 when something was found."""
    asked = _asked()
    with own_folder() as folder, running_in(folder, **SETTINGS) as instance:
        shop = _shop(instance)
        found = [_round(plan, instance, shop) for plan in _plans(asked, instance.api_key)]
        unforeseen = list(_unforeseen(folder))
        agree = _verified(instance)
    _print(found)
    for line in unforeseen:
        sys.stdout.write(f"In a log: {line}\n")
    total = sum(run.requests for run in found)
    bad = any(run.status for run in found) or bool(unforeseen) or not agree
    sys.stdout.write(f"{total:,} requests, {'something was' if bad else 'nothing'} found\n")
    return int(bad)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--examples", type=int, default=130, help="of each route, by chance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="routes whose path matches this expression")
    return parser.parse_args()


def _plans(asked: argparse.Namespace, key: str) -> list[Plan]:
    common = {"seed": asked.seed, "only": asked.only}
    every = "examples,coverage,fuzzing,stateful"
    few = max(asked.examples // 10, 1)
    plans = [
        Plan("With a key", every, asked.examples, key=key, but=MOVING, **common),
        Plan("Without a key", "coverage,fuzzing", few, **common),
    ]
    if not asked.only:
        phases = "examples,coverage,fuzzing"
        plans.append(Plan("Time and faults", phases, asked.examples, asked.seed, MOVING, key=key))
    return plans


def _shop(instance: Instance) -> Shop:
    api, network = Api(instance.base_url, instance.api_key), Network(instance.sandbox_url)
    shop = Shop(api, network.mint, lambda: time.sleep(0.2), network.stranger())
    market = api.get("/me")["marketplace"]["id"]
    contract = api.get(f"/escrow/{shop.ids['escrowId']}")["contractId"]
    settings = {"DJANGO_SETTINGS_MODULE": "offerhub.settings"}
    named = beside(instance, "tests.fuzz.difference", market, contract, **settings)
    shop.ids["differenceId"] = named
    return shop


def _round(plan: Plan, instance: Instance, shop: Shop) -> Found:
    sys.stdout.write(f"\n{plan.name}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory() as folder:
        return fuzz(plan, instance.base_url, Path(folder), shop, quiet=False)


def _unforeseen(folder: Path) -> Iterator[str]:
    """What a process of the instance logged as an error; a request that failed is there, too."""
    for path in sorted((folder / "log").glob("*.log")):
        for line in path.read_text(errors="replace").splitlines():
            if '"level": "error"' in line:
                said = json.loads(line)
                if said["event"] in FORESEEN:
                    continue
                trace = said.get("exception", "").strip().splitlines()
                yield f"{path.name}: {said['event']} {said.get('path', '')} {(trace or [''])[-1]}"
            elif line.startswith("Traceback"):
                yield f"{path.name}: {line}"


def _verified(instance: Instance) -> bool:
    """Whether `manage.py verify` finds nothing wrong after all of this."""
    command = (sys.executable, "manage.py", "verify", "--patience", "60")
    done = subprocess.run(command, cwd=ROOT, env=environment_of(instance), check=False)
    return done.returncode == 0


def _print(found: list[Found]) -> None:
    phases, statuses = Counter[str](), Counter[int]()
    for run in found:
        phases.update(run.by(0))
        statuses.update(run.by(2))
    for title, counted in (("phase", phases), ("status", statuses)):
        sys.stdout.write(f"\nRequests by {title}\n")
        for name, count in sorted(counted.items(), key=lambda row: str(row[0])):
            sys.stdout.write(f"  {name!s:<10} {count:>8,}\n")


if __name__ == "__main__":
    sys.exit(main())

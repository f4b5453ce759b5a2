"""Many withdrawals at once, good ones and bad ones; and what the answers show of each."""

import random

from tests.simulation.asking import UNIT, ask, stroops, text
from tests.simulation.requests import accepted
from tests.simulation.stage import USERS, Stage

NOWHERE = "GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF"  # an account that is not there


def batch(stage: Stage, rng: random.Random) -> None:
    """One to five payments in one request."""
    items = [
        {
            "userId": rng.choice(USERS),
            "amount": text(rng.choice([rng.randint(1, 10**8), 1, 25 * UNIT, 10_000 * UNIT])),
            "destination": rng.choice([*stage.targets, *stage.targets, NOWHERE]),
        }
        for _ in range(rng.randint(1, 5))
    ]
    status, shown = ask(stage, rng, "/withdrawals/batch", {"items": items})
    if status in (201, 202):
        stage.batches.setdefault(shown["id"], items)
        read(stage, shown["id"])


def read(stage: Stage, identifier: str, *, final: bool = False) -> None:
    """The withdrawals that came of it, each as its item asked for."""
    items = stage.batches[identifier]
    _, shown = stage.call("GET", f"/withdrawals/batches/{identifier}")
    if final:
        stage.tell(f"{identifier} {shown['status']} {shown['counts']}")
        if shown["status"] != "FINISHED" and not shown["counts"]["held"]:
            stage.wrong(f"{identifier} is {shown['status']} at the end: {shown['counts']}")
    for item, asked in zip(shown["items"], items, strict=True):
        made = item["withdrawal"]
        if made is None or made["id"] in stage.model.withdrawals:
            continue
        _, withdrawal = stage.call("GET", f"/withdrawals/{made['id']}")
        told = {name: withdrawal[name] for name in ("amount", "destination")}
        told["userId"] = withdrawal["userExternalId"]
        wanted = {**asked, "amount": stroops(asked["amount"])}
        if {**told, "amount": stroops(told["amount"])} != wanted:
            stage.wrong(f"{made['id']} is not what its item asked for")
        accepted(stage, withdrawal, asked["userId"], wanted["amount"], asked["destination"])

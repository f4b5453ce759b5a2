"""One run: its plan from the seed, its steps, the healing, and what is found at the end."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation import (
    asides,
    asking,
    checks,
    crowd,
    desk,
    many,
    party,
    recurring,
    requests,
    strangers,
    work,
)
from tests.simulation.clock import CLOCK
from tests.simulation.database import Clean
from tests.simulation.death import Death, Died
from tests.simulation.stage import PARTY, USERS, Stage
from tests.simulation.wire import Wire

Act = Callable[[Stage, random.Random], None]


def read(stage: Stage, rng: random.Random) -> None:
    """The marketplace's server looks at what goes on by itself, and may act on it from then on."""
    for subscription in list(stage.model.subscriptions)[-3:]:
        recurring.read(stage, subscription)
    for batch in list(stage.batches)[-3:]:
        many.read(stage, batch)


# How often each is drawn, before the seed makes some of them rarer or more frequent.
STEPS: dict[str, tuple[int, Act]] = {
    "deposit": (6, requests.deposit),
    "order": (6, requests.order),
    "reserve": (5, requests.reserve),
    "escrow": (4, requests.escrow),
    "fund": (4, requests.fund),
    "release": (8, requests.release),
    "refund": (3, requests.refund),
    "cancel": (1, requests.cancel),
    "ship": (1, requests.ship),
    "withdraw": (4, requests.withdraw),
    "call_back": (2, requests.call_back),
    "dispute": (3, desk.dispute),
    "resolve": (5, desk.resolve),
    "give_in": (1, desk.give_in),
    "propose": (1, desk.propose),
    "decide": (2, desk.decide),
    "subscribe": (2, recurring.subscribe),
    "stop": (1, recurring.stop),
    "go_on": (1, recurring.go_on),
    "campaign": (1, crowd.campaign),
    "pledge": (4, crowd.pledge),
    "end": (1, crowd.end),
    "batch": (2, many.batch),
    "read": (1, read),
    "pry": (1, strangers.pry),
    "sign": (3, party.sign),
    "ring": (22, work.ring),
    "sweep": (16, work.sweep),
    "all_due": (2, work.all_due),
    "watch": (9, work.watch),
    "rest": (6, work.rest),
    "advance": (2, work.advance),
    "dust": (3, work.dust),
    "aside": (3, asides.aside),
}
LONG = 4 * 86_400  # seconds after which every deadline and window of a run is over
Plan = list[tuple[str, int]]  # a step's name, and its own seed


@dataclass
class Result:
    """What a run came to."""

    seed: str
    digest: str
    problems: list[str]
    steps: int
    operations: int  # requests, jobs, sweeps and looks of the monitor
    lines: list[str] = field(repr=False, default_factory=list)


def plan_of(seed: str, steps: int) -> Plan:
    """The same steps for the same seed."""
    rng = random.Random(f"plan {seed}")  # noqa: S311
    weights = [weight * rng.choice([0.3, 1.0, 1.0, 3.0]) for weight, _ in STEPS.values()]
    names = rng.choices(list(STEPS), weights, k=steps)
    return [(name, rng.getrandbits(48)) for name in names]


class Simulator:
    """Plays a run; each has a process of its own (seeds.py)."""

    def __init__(self) -> None:
        self.clean, self.wire, self.death = Clean(), Wire(), Death()
        self.death.install()

    def run(self, seed: str, plan: Plan) -> Result:
        """One run on an empty database and a new network."""
        self.clean.again()
        stage = Stage(seed, self.wire, self.death)
        try:
            self._play(stage, plan)
        except (Exception, Died) as error:  # a death that no process died
            stage.wrong(f"the simulator stopped: {type(error).__name__}: {error}")
            stage.trouble = error
        digest = stage.record.hexdigest()[:16]
        stage.close()
        return Result(seed, digest, stage.problems, len(plan), stage.operations, stage.lines)

    def _play(self, stage: Stage, plan: Plan) -> None:
        self._people(stage)
        stage.rage()
        for number, (name, own) in enumerate(plan, 1):
            rng = random.Random(own)  # noqa: S311
            stage.tell(f"--- {number} {name}")
            STEPS[name][1](stage, rng)
            CLOCK.move(rng.choice([0.01, 0.05, 0.2, 1.0]))
            if stage.problems:
                return
            if number % 100 == 0:
                checks.books(stage)
        stage.tell("--- healed")
        stage.calm()
        stage.mint(stage.platform, 1000 * asking.UNIT)  # for the fees that it bears
        stage.pass_time(LONG)
        CLOCK.move(asides.a_round())
        for _ in range(2):
            if not work.quiet(stage):
                stage.wrong("work keeps arriving")
            crowd.again(stage)
            desk.finish(stage)
            asides.again(stage)
        checks.everything(stage)

    def _people(self, stage: Stage) -> None:
        for user in USERS:
            stage.call("POST", "/users", {"externalId": user})
        own = {"kind": "EXTERNAL", "address": stage.party.public_key}
        stage.call("POST", "/users", {"externalId": PARTY, "wallet": own})
        stage.model.user(PARTY, stage.party.public_key)
        strangers.settle_in(stage)
        work.quiet(stage)
        strangers.enrich(stage)
        for user in USERS:
            status, shown = stage.call("GET", f"/users/{user}/wallet")
            assert (status, shown["status"]) == (200, "ACTIVE"), shown
            stage.model.user(user, shown["address"])
            stage.mint(shown["address"], 500 * asking.UNIT)
        work.quiet(stage)

"""What nobody asks for: workers, the monitor, time, strangers, and people of the desk."""

import random
from collections.abc import Callable

from django.db import connection

from offerhub.chain import submission
from offerhub.chain.tables import concrete_tables
from offerhub.chain.types import ChainUnavailable
from offerhub.core import jobs
from offerhub.deposits import monitor
from tests.simulation.clock import CLOCK
from tests.simulation.death import mortal
from tests.simulation.stage import Stage

MOST = 400  # jobs of one round of work
HOUR = 3600
HUSHED = ("ledger.", "reports.")  # sweeps that move nothing


def _guarded(stage: Stage, what: str, act: Callable[[], None]) -> None:
    """Do it as a process would: an exception is logged there and is a defect here."""
    stage.operations += 1
    with mortal(stage.death, stage.tell):
        try:
            act()
        except ChainUnavailable as away:
            stage.tell(f"{what}: {type(away).__name__}")
        except Exception as error:
            stage.wrong(f"{what} raised {type(error).__name__}: {str(error)[:300]}")
            return
    if stage.lines[-1].startswith("died"):
        stage.forget()


def _job(stage: Stage, ring: jobs.Ring) -> None:
    def act() -> None:
        stage.heard(jobs.step(*ring).rings)

    stage.tell(f"job {ring[0]} {ring[1]}")
    _guarded(stage, f"job {ring[0]}", act)


def ring(stage: Stage, rng: random.Random) -> None:
    """A worker answers a bell, or some."""
    for _ in range(rng.choice([1, 1, 2, 4])):
        one_ring(stage, rng)


def one_ring(stage: Stage, rng: random.Random) -> None:
    """A worker answers one bell, the oldest or any; now and then it hears it twice."""
    if stage.rings:
        index = 0 if rng.random() < 0.5 else rng.randrange(len(stage.rings))
        ring = stage.rings.pop(index) if rng.random() < 0.95 else stage.rings[index]
        _maybe_die(stage, rng)
        _job(stage, ring)


def sweep(stage: Stage, rng: random.Random) -> None:
    """A worker looks for what is due by some of its sweeps, and does some of what one finds."""
    names = [name for name in _moving() if not name.startswith(HUSHED)]
    found = next(filter(None, (_find(stage, name) for name in rng.sample(names, 4))), [])
    rng.shuffle(found)
    for ring in found[: rng.choice([1, 2, 5, 20])]:
        _maybe_die(stage, rng)
        _job(stage, ring)


def all_due(stage: Stage, rng: random.Random) -> None:
    """Every sweep once, and everything that it finds."""
    for name in _moving():
        for ring in _find(stage, name):
            _job(stage, ring)


def _moving() -> list[str]:
    """Sweeps of what moves; those that clear away what is old come once an hour or less."""
    return [name for name, each in sorted(jobs.SWEEPS.items()) if each.every < HOUR]


def _find(stage: Stage, name: str) -> list[jobs.Ring]:
    found: list[jobs.Ring] = []
    _guarded(stage, f"sweep {name}", lambda: found.extend(jobs.SWEEPS[name].find()))
    return sorted(found)


def _maybe_die(stage: Stage, rng: random.Random) -> None:
    if stage.raging and rng.random() < stage.terms.deaths:
        stage.death.statements = rng.randint(1, 30)


def watch(stage: Stage, rng: random.Random) -> None:
    """The monitor reads the chain."""
    _maybe_die(stage, rng)
    _guarded(stage, "monitor", lambda: stage.tell(f"monitor {monitor.poll()}"))


def rest(stage: Stage, rng: random.Random) -> None:
    """Time passes: seconds, or an hour."""
    CLOCK.move(rng.choice([0.3, 1.0, 5.0, 20.0, 60.0, 400.0, 3600.0]))


def advance(stage: Stage, rng: random.Random) -> None:
    """The sandbox's clock is turned on by its control."""
    stage.pass_time(rng.choice([60, 3600, 86_400, 6 * 86_400]))


def dust(stage: Stage, rng: random.Random) -> None:
    """A stranger sends a little into a contract."""
    contracts = sorted(stage.sandbox.network.ledger.escrows, key=stage.birth)[-5:]
    if contracts:
        amount = rng.choice([1, 1, 5, rng.randint(1, 10**7)])
        stage.mint(rng.choice(contracts), amount)
        stage.tell(f"dust of {amount}")


def quiet(stage: Stage) -> bool:
    """Work until nothing is due any more, with time passing; whether that was reached."""
    idle, before = 0, -1
    for _ in range(60):
        _answer_bells(stage)
        watch(stage, stage.rng)
        found = [ring for name in _moving() for ring in _find(stage, name)]
        for ring in found:
            _job(stage, ring)
        now = _events()
        still = not stage.rings and (not found or (now == before and not _live()))
        idle, before = idle + 1 if still else 0, now
        if idle == 2:  # leases and pauses are over
            return True
        CLOCK.move(80.0 if still else 40.0)
    return False


def _answer_bells(stage: Stage) -> None:
    """Until none rings; a row that rings for itself without end is left to be found."""
    for _ in range(MOST):
        if stage.rings:
            _job(stage, stage.rings.pop(0))


def _events() -> int:
    """How much has happened. What waits for people is looked at for ever, and nothing happens."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(position), 0) FROM events_event")
        return int(cursor.fetchone()[0])


def _live() -> bool:
    """Whether a call is on its way; one that waits for a party's signature is not."""
    found = concrete_tables()
    ours = [status for status in submission.LIVE if status != submission.Status.AWAITING_SIGNATURE]
    return any(t._base_manager.filter(status__in=ours).exists() for t in found)

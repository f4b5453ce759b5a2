"""Asking the API as a marketplace's server does: with a key, again until it is answered."""

import random
from datetime import UTC, datetime
from typing import Any

from tests.simulation.death import mortal
from tests.simulation.stage import Stage
from tests.simulation.work import one_ring, ring

UNIT = 10_000_000
CENT = UNIT // 100
TRIES = 6
PATIENCE = ("", "", "respond-async", "wait=1", "wait=30")


def text(amount: int) -> str:
    """Stroops as the API takes them."""
    return f"{amount // UNIT}.{amount % UNIT:07d}".rstrip("0").rstrip(".")


def stroops(amount: str) -> int:
    """Stroops of what the API answers."""
    whole, _, rest = amount.partition(".")
    return int(whole) * UNIT + int(rest.ljust(7, "0"))


def ask(stage: Stage, rng: random.Random, path: str, body: Any = None) -> tuple[int, Any]:
    """One POST, again with the same key until it is answered; sometimes once more for nothing."""
    stage.names[key := f"key-{rng.getrandbits(64):x}"] = "key"
    prefer = rng.choice(PATIENCE)
    for _ in range(TRIES):
        answer = _once(stage, rng, path, body, key, prefer)
        if answer is not None and answer[0] < 500:
            break
    else:
        stage.wire.ratio, kept = 0.0, stage.wire.ratio
        points, stage.death.at_points = stage.death.at_points, 0.0
        deaths, stage.wire.deaths = stage.wire.deaths, 0.0
        answer = stage.call("POST", path, body, key=key)
        stage.wire.ratio, stage.death.at_points, stage.wire.deaths = kept, points, deaths
    assert answer is not None
    if rng.random() < 0.1:
        _repeat(stage, path, body, key, answer)
    status, shown = answer
    word = shown.get("code") or shown.get("status") if isinstance(shown, dict) else ""
    stage.tell(f"POST {path} {status} {word}")
    if status >= 500 and status != 503:
        stage.wrong(f"POST {path} answered {status}")
    if word == "operation_in_flight":  # the server comes back when some work was done
        ring(stage, rng)
    return answer


def _once(
    stage: Stage, rng: random.Random, path: str, body: Any, key: str, prefer: str
) -> tuple[int, Any] | None:
    """None when the answer was lost, or the process died before it could answer."""
    if stage.terms.deaths and rng.random() < stage.terms.deaths * stage.raging:
        stage.death.statements = rng.randint(1, 25)
    answer, died = None, True
    with mortal(stage.death, stage.tell):
        answer, died = stage.call("POST", path, body, key=key, prefer=prefer), False
    if died:
        stage.forget()
    if stage.raging and rng.random() < stage.terms.faults / 2:
        stage.tell(f"answer of POST {path} lost")
        answer = None
    if answer is None and rng.random() < 0.3:
        one_ring(stage, rng)
    return answer


def _repeat(stage: Stage, path: str, body: Any, key: str, first: tuple[int, Any]) -> None:
    """A duplicate has no effect of its own, and is answered with the same subject."""
    status, shown = stage.call("POST", path, body, key=key)
    if first[0] >= 400:
        return
    if status >= 300 and (shown or {}).get("code") not in ("operation_failed", "in_progress"):
        stage.wrong(f"POST {path} again answered {status} {shown} after {first[0]}")
    elif status < 300 and shown.get("id") != first[1].get("id"):
        stage.wrong(f"POST {path} again answered another thing")


def instant(when: str) -> float:
    """Seconds since 1970 of what the API answers."""
    return datetime.fromisoformat(when).timestamp()


def moment(seconds: float) -> str:
    """An instant as the API takes it."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()

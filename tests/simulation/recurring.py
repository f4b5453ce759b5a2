"""Subscriptions: begin, stop, go on, another price; and what the answers show of their cycles."""

import random
from typing import Any

from tests.simulation.agreed import Cycle, Subscription
from tests.simulation.asking import CENT, ask, instant, moment, stroops, text
from tests.simulation.requests import order_of
from tests.simulation.stage import USERS, Stage

HOUR, DAY = 3600, 86_400


def subscribe(stage: Stage, rng: random.Random) -> None:
    """Somebody pays somebody every week or month, from now on or from some day on."""
    buyer, seller = rng.sample(USERS, 2)
    amount, unit = rng.randint(1, 2000) * CENT, rng.choice(["week", "week", "month"])
    body = {
        "buyerId": buyer,
        "sellerId": seller,
        "amount": text(amount),
        "interval": unit,
        "onUnpaid": rng.choice(["PAUSE", "CANCEL"]),
    }
    if rng.random() < 0.3:
        body["startsAt"] = moment(stage.now() + rng.choice([HOUR, 2 * DAY]))
    status, shown = ask(stage, rng, "/subscriptions", body)
    if status in (201, 202):
        row = Subscription(shown["id"], buyer, seller, unit, {amount})
        stage.model.subscriptions.setdefault(row.id, row)
        read(stage, row.id)


def stop(stage: Stage, rng: random.Random) -> None:
    """Cancel at once, at the end of the period, or pause."""
    if row := _one(stage, rng):
        how = rng.choice(["NOW", "PERIOD_END", "pause"])
        path = f"/subscriptions/{row.id}/{'pause' if how == 'pause' else 'cancel'}"
        began = stage.now()
        status, _ = ask(stage, rng, path, None if how == "pause" else {"when": how})
        if status in (200, 202):
            (row.cuts if how == "NOW" else row.stops).append((began, stage.now()))
            read(stage, row.id)


def go_on(stage: Stage, rng: random.Random) -> None:
    """Resume, or ask for another price from the next cycle on."""
    if row := _one(stage, rng):
        if rng.random() < 0.7:
            status, _ = ask(stage, rng, f"/subscriptions/{row.id}/resume", {})
            if status in (200, 202):
                row.resumed.append(stage.now())
        else:
            amount = rng.randint(1, 2000) * CENT
            row.prices.add(amount)
            status, _ = stage.call("PATCH", f"/subscriptions/{row.id}", {"amount": text(amount)})
            stage.tell(f"PATCH {row.id} {status}")


def _one(stage: Stage, rng: random.Random) -> Subscription | None:
    rows = list(stage.model.subscriptions.values())[-3:]
    return rng.choice(rows) if rows else None


def read(stage: Stage, subscription: str) -> None:
    """What the answers show of its cycles by now."""
    row = stage.model.subscriptions[subscription]
    _, shown = stage.call("GET", f"/subscriptions/{subscription}/cycles?limit=100")
    for one in reversed(shown["data"]):
        if one["orderId"]:
            _, order = stage.call("GET", f"/orders/{one['orderId']}")
            stage.model.cycle(
                subscription, _cycle(one), order_of(order, row.buyer, row.seller, subscription)
            )


def _cycle(shown: Any) -> Cycle:
    return Cycle(
        shown["index"],
        shown["orderId"],
        stroops(shown["amount"]),
        instant(shown["startsAt"]),
        instant(shown["endsAt"]),
        stroops(shown["shares"]["seller"]) if shown["shares"] else None,
        shown["orderStatus"] == "CANCELLED",
        shown["orderStatus"] == "REFUNDED",
    )

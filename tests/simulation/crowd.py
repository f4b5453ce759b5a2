"""Campaigns: begin, back, settle, call off; and what the answers say that they came to."""

import random
from typing import Any

from tests.simulation.agreed import Campaign
from tests.simulation.asking import CENT, ask, instant, moment, text
from tests.simulation.requests import order_of
from tests.simulation.stage import USERS, Stage

HOUR, DAY = 3600, 86_400
OVER = ("SUCCEEDED", "FAILED", "CANCELLED")


def campaign(stage: Stage, rng: random.Random) -> None:
    """A project that begins."""
    creator, goal = rng.choice(USERS), rng.randint(500, 8000) * CENT
    deadline = moment(stage.now() + rng.choice([HOUR, 6 * HOUR, 2 * DAY]))
    at_goal = rng.random() < 0.3
    body = {
        "creatorId": creator,
        "title": "Project",
        "goal": text(goal),
        "deadline": deadline,
        "holds": rng.choice(["ESCROW", "RESERVATION"]),
        "overGoal": rng.choice(["ALLOW", "CLOSE_AT_GOAL"]),
        "settleOn": "GOAL" if at_goal else "DEADLINE",
    }
    status, shown = ask(stage, rng, "/campaigns", body)
    if status in (201, 202):
        row = Campaign(shown["id"], creator, goal, instant(deadline), at_goal)
        stage.model.campaigns.setdefault(row.id, row)


def pledge(stage: Stage, rng: random.Random) -> None:
    """Somebody backs one of the last."""
    if row := _one(stage, rng):
        backer = rng.choice([user for user in USERS if user != row.creator])
        amount = rng.randint(100, 4000) * CENT
        body = {
            "buyerId": backer,
            "sellerId": row.creator,
            "amount": text(amount),
            "campaignId": row.id,
        }
        began = stage.now()
        status, shown = ask(stage, rng, "/orders", body)
        if status in (201, 202):
            stage.model.order(order_of(shown, backer, row.creator, row.id))
            stage.model.reserved(shown["id"])
            row.pledges[shown["id"]] = amount
            if began >= row.deadline:
                stage.wrong(f"{row.id} took a pledge after its deadline")


def end(stage: Stage, rng: random.Random) -> None:
    """Settle it, or call it off."""
    if row := _one(stage, rng):
        what = rng.choice(["settle", "settle", "cancel"])
        began = stage.now()
        body: Any = {} if what == "cancel" else None
        status, _ = ask(stage, rng, f"/campaigns/{row.id}/{what}", body)
        if status in (200, 202):
            (row.settled if what == "settle" else row.cancelled).append((began, stage.now()))


def _one(stage: Stage, rng: random.Random) -> Campaign | None:
    rows = list(stage.model.campaigns.values())[-3:]
    return rng.choice(rows) if rows else None


def again(stage: Stage) -> None:
    """What a person does with pledges that failed: settle them once more."""
    for row in stage.model.campaigns.values():
        if _shown(stage, row)["status"] == "NEEDS_ATTENTION":
            stage.tell(f"retry {row.id}")
            stage.call("POST", f"/campaigns/{row.id}/retry")


def read(stage: Stage, row: Campaign) -> None:
    """What it came to, with time gone by: it is over when its deadline is."""
    shown = _shown(stage, row)
    stage.tell(f"{row.id} {shown['status']}")
    if shown["status"] not in OVER:
        if shown["status"] != "OPEN" or stage.now() > row.deadline + HOUR:
            stage.wrong(f"{row.id} is {shown['status']} at the end")
        return
    _, pledges = stage.call("GET", f"/campaigns/{row.id}/pledges?limit=100")
    states = {one["orderId"]: one["state"] for one in pledges["data"]}
    if states.keys() != row.pledges.keys():
        stage.wrong(f"{row.id} has {len(states)} pledges, and {len(row.pledges)} were accepted")
        return
    withdrawn = {order for order, state in states.items() if state == "WITHDRAWN"}
    disputed = {order for _, order, _ in stage.disputes} & states.keys()
    stage.model.campaign_is(row.id, shown["status"], withdrawn, disputed)


def ended(stage: Stage, row: Campaign) -> None:
    """Every pledge went where the campaign's outcome sends it; what a dispute divided may not."""
    disputed = {order for _, order, _ in stage.disputes}
    for identifier in sorted(row.pledges.keys() - disputed - row.asked_back):
        order = stage.model.orders[identifier]
        (part,) = order.parts
        to_creator = bool(part.settled and part.settled[0])
        if row.outcome and (not order.over or to_creator != (row.outcome == "SUCCEEDED")):
            stage.wrong(f"{identifier} of {row.id}, {row.outcome}: {part.settled}")


def _shown(stage: Stage, row: Campaign) -> Any:
    _, shown = stage.call("GET", f"/campaigns/{row.id}")
    return shown

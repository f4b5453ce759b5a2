"""What the marketplace's server asks for: one class of step each, and what its model learns.

A step draws all it needs from its own chance and from what there is, so a run from which steps
were taken away is a run too.
"""

import random
from typing import Any

from tests.simulation.death import mortal
from tests.simulation.model import Order
from tests.simulation.stage import USERS, Stage
from tests.simulation.work import one_ring

UNIT = 10_000_000
CENT = UNIT // 100
TRIES = 6
FINAL = ("COMPLETED", "REFUNDED", "CANCELLED")


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
    for _ in range(TRIES):
        answer = _once(stage, rng, path, body, key)
        if answer is not None and answer[0] < 500:
            break
    else:
        stage.wire.ratio, kept = 0.0, stage.wire.ratio
        points, stage.death.at_points = stage.death.at_points, 0.0
        deaths, stage.wire.deaths = stage.wire.deaths, 0.0
        answer = stage.call("POST", path, body, key)
        stage.wire.ratio, stage.death.at_points, stage.wire.deaths = kept, points, deaths
    assert answer is not None
    if rng.random() < 0.1:
        _repeat(stage, path, body, key, answer)
    status, shown = answer
    word = shown.get("code") or shown.get("status") if isinstance(shown, dict) else ""
    stage.tell(f"POST {path} {status} {word}")
    if status >= 500 and status != 503:
        stage.wrong(f"POST {path} answered {status}")
    return answer


def _once(
    stage: Stage, rng: random.Random, path: str, body: Any, key: str
) -> tuple[int, Any] | None:
    """None when the answer was lost, or the process died before it could answer."""
    if stage.terms.deaths and rng.random() < stage.terms.deaths * stage.raging:
        stage.death.statements = rng.randint(1, 25)
    answer = None
    with mortal(stage.death, stage.tell):
        answer = stage.call("POST", path, body, key)
    if stage.raging and rng.random() < stage.terms.faults / 2:
        stage.tell(f"answer of POST {path} lost")
        answer = None
    if answer is None and rng.random() < 0.3:
        one_ring(stage, rng)
    return answer


def _repeat(stage: Stage, path: str, body: Any, key: str, first: tuple[int, Any]) -> None:
    """A duplicate has no effect of its own, and is answered with the same subject."""
    status, shown = stage.call("POST", path, body, key)
    if first[0] >= 400:
        return
    if status >= 300 and (shown or {}).get("code") not in ("operation_failed", "in_progress"):
        stage.wrong(f"POST {path} again answered {status} {shown} after {first[0]}")
    elif status < 300 and shown.get("id") != first[1].get("id"):
        stage.wrong(f"POST {path} again answered another thing")


# --- what is there to choose from ---------------------------------------------------------------
def _order(stage: Stage, rng: random.Random) -> Order | None:
    """One that the model does not know to be over; mostly one of the last."""
    rows = [
        o
        for o in stage.model.orders.values()
        if not o.cancelled and not all(p.settled for p in o.parts)
    ]
    return rng.choice(rows[-8:]) if rows else None


def _learn(stage: Stage, shown: Any) -> None:
    """What an answer with an order's body says of its money."""
    if shown["status"] not in ("CREATED", "CANCELLED"):
        stage.model.reserved(shown["id"])


# --- steps ------------------------------------------------------------------------------------
def deposit(stage: Stage, rng: random.Random) -> None:
    """Somebody sends USDC to a user's wallet."""
    paid = [
        (rng.choice(USERS), rng.choice([rng.randint(1, 50) * UNIT, rng.randint(1, 10**9), 1]))
        for _ in range(rng.choice([1, 1, 1, 2, 3]))  # in one transaction
    ]
    stage.pay([(stage.model.wallets[user], amount) for user, amount in paid])
    stage.tell(f"deposit of {paid}")


def order(stage: Stage, rng: random.Random) -> None:
    """A sale, of one milestone or more, sometimes paid at once, sometimes released by itself."""
    buyer, seller = rng.sample(USERS, 2)
    count = rng.choice([1, 1, 1, 2, 3, 4])
    amounts = {f"m{i}": rng.randint(1, 4000) * CENT for i in range(1, count + 1)}
    body: dict[str, Any] = {
        "buyerId": buyer,
        "sellerId": seller,
        "amount": text(sum(amounts.values())),
    }
    if count > 1:
        body["milestones"] = [
            {"id": ref, "description": "part", "amount": text(n)} for ref, n in amounts.items()
        ]
    if rng.random() < 0.4:
        body["autoFund"] = True
    window = rng.random() < 0.3
    if window:
        starts = rng.choice(["FUNDED", "SHIPPED", "COMPLETED"])
        body["releasePolicy"] = {"after": rng.choice(["PT1M", "PT2H", "P3D"]), "from": starts}
    status, shown = ask(stage, rng, "/orders", body)
    if status not in (201, 202):
        return
    parts = {m["id"]: stroops(m["amount"]) for m in shown["milestones"]}
    stage.model.order(shown["id"], buyer, seller, parts)
    _learn(stage, shown)
    for ref, amount in parts.items() if window else ():
        stage.model.agreed(shown["id"], ref, amount)


def reserve(stage: Stage, rng: random.Random) -> None:
    """An order's money is set aside."""
    if row := _order(stage, rng):
        status, shown = ask(stage, rng, f"/orders/{row.id}/reserve")
        if status == 200:
            _learn(stage, shown)


def cancel(stage: Stage, rng: random.Random) -> None:
    """An order is called off before its money is in the contract."""
    if row := _order(stage, rng):
        status, _ = ask(stage, rng, f"/orders/{row.id}/cancel")
        if status == 200:
            stage.model.cancelled(row.id)


def escrow(stage: Stage, rng: random.Random) -> None:
    """An order's contract."""
    if row := _order(stage, rng):
        ask(stage, rng, "/escrow", {"orderId": row.id})


def fund(stage: Stage, rng: random.Random) -> None:
    """The money into the contract."""
    if row := _order(stage, rng):
        status, shown = stage.call("GET", f"/orders/{row.id}")
        if status == 200 and shown["escrowId"]:
            ask(stage, rng, f"/escrow/{shown['escrowId']}/fund")


def release(stage: Stage, rng: random.Random) -> None:
    """A milestone, or all of them; in one go or one signature at a time."""
    row = _order(stage, rng)
    if row is None:
        return
    part = rng.choice([None, *row.parts])
    action = rng.choice(["complete", "approve", "release", "release", "release"])
    body = {"orderId": row.id, "action": action} | ({"milestoneId": part.ref} if part else {})
    status, _ = ask(stage, rng, "/resolution/release", body)
    if status in (200, 202) and action == "release":
        for one in [part] if part else row.parts:
            stage.model.agreed(row.id, one.ref, one.amount)


def refund(stage: Stage, rng: random.Random) -> None:
    """A milestone, or all that is left, goes back."""
    row = _order(stage, rng)
    if row is None:
        return
    part = rng.choice([None, *row.parts])
    body = {"orderId": row.id} | ({"milestoneId": part.ref} if part else {})
    status, _ = ask(stage, rng, "/resolution/refund", body)
    if status in (200, 202):
        for one in [part] if part else row.parts:
            stage.model.agreed(row.id, one.ref, 0)


def ship(stage: Stage, rng: random.Random) -> None:
    """The parcel is on its way, or its buyer gets more time."""
    if row := _order(stage, rng):
        if rng.random() < 0.5:
            ask(stage, rng, f"/orders/{row.id}/ship", {"carrier": "Post"})
        else:
            ask(stage, rng, f"/orders/{row.id}/extend", {"by": rng.choice(["PT1M", "PT1H"])})


def withdraw(stage: Stage, rng: random.Random) -> None:
    """A user's money goes out."""
    user, target = rng.choice(USERS), rng.choice(stage.targets)
    amount = rng.choice([rng.randint(1, 20) * UNIT, rng.randint(1, 10**8), 1])
    body = {"userId": user, "amount": text(amount), "destination": target}
    status, shown = ask(stage, rng, "/withdrawals", body)
    if status in (201, 202):
        stage.model.withdrawal(shown["id"], user, amount, target)


def call_back(stage: Stage, rng: random.Random) -> None:
    """A withdrawal is cancelled, if it is not too late."""
    rows = list(stage.model.withdrawals.values())[-3:]
    if rows:
        ask(stage, rng, f"/withdrawals/{rng.choice(rows).id}/cancel")


def dispute(stage: Stage, rng: random.Random) -> None:
    """A party complains about an order or one milestone of it."""
    row = _order(stage, rng)
    if row is None:
        return
    part = rng.choice([None, *row.parts])
    body = {"orderId": row.id, "reason": "late", "openedBy": rng.choice(["buyer", "seller"])}
    body |= {"milestoneId": part.ref} if part else {}
    status, shown = ask(stage, rng, "/disputes", body)
    if status in (201, 202):
        refs = [milestone["id"] for milestone in shown["milestones"]]
        if shown["id"] not in [one for one, _, _ in stage.disputes]:
            stage.disputes.append((shown["id"], row.id, refs))


def resolve(stage: Stage, rng: random.Random) -> None:
    """The marketplace decides a dispute."""
    if not stage.disputes:
        return
    identifier, order, refs = rng.choice(stage.disputes[-4:])
    parts = [part for part in stage.model.orders[order].parts if part.ref in refs]
    decision = rng.choice(
        ["RELEASE", "REFUND", "SPLIT"] if len(parts) == 1 else ["RELEASE", "REFUND"]
    )
    body: dict[str, Any] = {"decision": decision}
    share = rng.randint(0, parts[0].amount // CENT) * CENT
    if decision == "SPLIT":
        body["split"] = {"seller": text(share), "buyer": text(parts[0].amount - share)}
    status, _ = ask(stage, rng, f"/disputes/{identifier}/resolve", body)
    if status in (200, 202):
        for part in parts:
            sides = {"RELEASE": part.amount, "REFUND": 0, "SPLIT": share}
            stage.model.agreed(order, part.ref, sides[decision])


def give_in(stage: Stage, rng: random.Random) -> None:
    """Who opened a dispute gives it up: the money goes to the other party."""
    if stage.disputes:
        identifier, order, refs = rng.choice(stage.disputes[-4:])
        status, shown = ask(stage, rng, f"/disputes/{identifier}/withdraw")
        if status in (200, 202):
            for part in stage.model.orders[order].parts:
                if part.ref in refs:
                    to_seller = part.amount if shown["openedBy"] == "buyer" else 0
                    stage.model.agreed(order, part.ref, to_seller)

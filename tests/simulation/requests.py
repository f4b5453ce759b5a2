"""What the marketplace's server asks for: one class of step each, and what its model learns.

A step draws all it needs from its own chance and from what there is, so a run from which steps
were taken away is a run too.
"""

import random
from typing import Any

from tests.simulation.agreed import NEVER, Milestone, Order, Withdrawal
from tests.simulation.asking import CENT, UNIT, ask, stroops, text
from tests.simulation.choosing import DEPLOYED, NEW, RESERVED, open_order, undisputed
from tests.simulation.stage import PARTY, USERS, Stage
from tests.simulation.terms import Proposed


# --- what is there to choose from ---------------------------------------------------------------
def order_of(shown: Any, buyer: str, seller: str, owner: str = "") -> Order:
    """An order as an answer shows it."""
    parts = [Milestone(m["id"], stroops(m["amount"])) for m in shown["milestones"]]
    fees = shown["fees"]
    whole = fees["refundFeesBorneBy"] == "MARKETPLACE"
    bps = fees["platformPercent"] * 100
    return Order(shown["id"], buyer, seller, parts, bps, whole, owner)


def _learn(stage: Stage, shown: Any) -> None:
    """What an answer with an order's body says of its money."""
    if shown["status"] not in ("CREATED", "CANCELLED"):
        stage.model.reserved(shown["id"])


# Seconds until an automatic release, at the least.
WINDOWS = {"PT1M": 60, "PT2H": 7200, "P3D": 259_200}


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
    if stage.terms.party and rng.random() < 0.25:
        seller = PARTY
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
    percent = stage.terms.fee_percent
    if rng.random() < 0.3:
        percent = body["platformFeePercent"] = rng.randint(0, stage.terms.highest_percent)
    after = rng.choice(list(WINDOWS)) if rng.random() < 0.3 else ""
    if after:
        starts = rng.choice(["FUNDED", "SHIPPED", "COMPLETED"])
        body["releasePolicy"] = {"after": after, "from": starts}
    began = stage.now()
    status, shown = ask(stage, rng, "/orders", body)
    if status not in (201, 202):
        return
    row = order_of(shown, buyer, seller)
    if (row.platform_bps, row.whole_refunds) != (percent * 100, stage.terms.whole_refunds):
        stage.wrong(f"{row.id} has other fees than were agreed: {shown['fees']}")
    stage.model.order(row)
    _learn(stage, shown)
    for ref, amount in amounts.items() if after else ():
        stage.model.agreed(row.id, ref, amount, began + WINDOWS[after])


def reserve(stage: Stage, rng: random.Random) -> None:
    """An order's money is set aside. Where there is none, one is made."""
    row = open_order(stage, rng, NEW)
    if row is None:
        order(stage, rng)
        return
    status, shown = ask(stage, rng, f"/orders/{row.id}/reserve")
    if status == 200:
        _learn(stage, shown)


def cancel(stage: Stage, rng: random.Random) -> None:
    """An order is called off before its money is in the contract."""
    if row := open_order(stage, rng, NEW, RESERVED):
        status, _ = ask(stage, rng, f"/orders/{row.id}/cancel")
        if status == 200:
            stage.model.cancelled(row.id)
            _asked_back(stage, row)


def escrow(stage: Stage, rng: random.Random) -> None:
    """An order's contract. Where nothing is set aside, something is."""
    row = open_order(stage, rng, RESERVED)
    if row is None:
        reserve(stage, rng)
        return
    ask(stage, rng, "/escrow", {"orderId": row.id})


def fund(stage: Stage, rng: random.Random) -> None:
    """The money into the contract. Where there is none, one is asked for."""
    row = open_order(stage, rng, DEPLOYED)
    if row is None:
        escrow(stage, rng)
        return
    status, shown = stage.call("GET", f"/orders/{row.id}")
    if status == 200 and shown["escrowId"]:
        ask(stage, rng, f"/escrow/{shown['escrowId']}/fund")


def release(stage: Stage, rng: random.Random) -> None:
    """A milestone, or all of them; in one go or one signature at a time. Where there is no money
    in a contract, some goes there."""
    row = undisputed(stage, rng)
    if row is None:
        fund(stage, rng)
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
    row = undisputed(stage, rng)
    if row is None:
        fund(stage, rng)
        return
    part = rng.choice([None, *row.parts])
    body = {"orderId": row.id} | ({"milestoneId": part.ref} if part else {})
    status, _ = ask(stage, rng, "/resolution/refund", body)
    if status in (200, 202):
        _asked_back(stage, row)
        for one in [part] if part else row.parts:
            stage.model.agreed(row.id, one.ref, 0)


def _asked_back(stage: Stage, row: Order) -> None:
    """A pledge whose money goes back is no part of its campaign any more, if it came in time."""
    if row.owner in stage.model.campaigns:
        stage.model.campaigns[row.owner].asked_back.add(row.id)


def ship(stage: Stage, rng: random.Random) -> None:
    """The parcel is on its way, or its buyer gets more time."""
    if row := undisputed(stage, rng):
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
        accepted(stage, shown, user, amount, target)


def accepted(stage: Stage, shown: Any, user: str, amount: int, target: str) -> None:
    """A withdrawal was: it waits for a person where it is over the limit."""
    limit = stage.terms.approve_over * UNIT
    held = bool(limit) and amount > limit
    stage.model.withdrawal(Withdrawal(shown["id"], user, amount, target, NEVER if held else 0.0))
    if held != (shown["approval"] is not None):
        stage.wrong(f"{shown['id']} of {amount}: approval {shown['approval']}")
    elif held:
        proposal = shown["approval"]["id"]
        stage.proposals.setdefault(proposal, Proposed(proposal, shown["id"], []))


def call_back(stage: Stage, rng: random.Random) -> None:
    """A withdrawal is cancelled, if it is not too late."""
    rows = list(stage.model.withdrawals.values())[-3:]
    if rows:
        ask(stage, rng, f"/withdrawals/{rng.choice(rows).id}/cancel")

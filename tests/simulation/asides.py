"""Strangers set money aside for users and take it back, and the desk asks for what is little."""

import random

from stellar_sdk import Claimant, ClaimPredicate

from offerhub.claims import services, watching
from offerhub.claims.models import ClaimableBalance
from offerhub.sandbox import claimables
from offerhub.sandbox.assets import decimal_text, sdk_asset
from tests.simulation.agreed import Aside
from tests.simulation.asking import UNIT
from tests.simulation.desk import act
from tests.simulation.model import LITTLE
from tests.simulation.stage import USERS, Stage
from tests.simulation.work import HOUR

OPEN = (["PENDING"], ["REFUSED"], ["GONE"])  # of what did not come to the user


def a_round() -> float:
    """Seconds after which every wallet was due to be looked at."""
    return watching.interval().total_seconds() + 100


def aside(stage: Stage, rng: random.Random) -> None:
    """A stranger sets USDC aside for a user, or takes some back; or a person asks for a little."""
    chance = rng.random()
    if chance < 0.15:
        _take_back(stage, rng)
    elif chance < 0.4:
        _want(stage, rng)
    else:
        _set_aside(stage, rng)


def _set_aside(stage: Stage, rng: random.Random) -> None:
    amount = rng.choice([rng.randint(1, LITTLE - 1), LITTLE, rng.randint(1, 50) * UNIT])
    row = Aside(rng.choice(USERS), amount, stage.giver.public_key)
    predicate = ClaimPredicate.predicate_unconditional()
    chance, now = rng.random(), int(stage.now())
    if chance < 0.2:
        row.opens = now + rng.choice([HOUR, 72 * HOUR])
        before = ClaimPredicate.predicate_before_absolute_time(int(row.opens))
        predicate = ClaimPredicate.predicate_not(before)
    elif chance < 0.4:
        row.closes = now + rng.choice([600, 2 * HOUR, 24 * HOUR])
        predicate = ClaimPredicate.predicate_before_absolute_time(int(row.closes))
    who = [Claimant(stage.model.wallets[row.user], predicate), Claimant(row.maker)]
    network = stage.sandbox.network
    builder = network.builder(stage.giver)
    builder.append_create_claimable_balance_op(sdk_asset(network.usdc), decimal_text(amount), who)
    stage.play(builder, stage.giver)
    *_, made = network.ledger.claimables
    stage.model.asides[claimables.address_of(made)] = row
    stage.tell(f"{amount} set aside for {row.user}, {row.opens and 'later'} {row.closes - now:.0f}")


def _take_back(stage: Stage, rng: random.Random) -> None:
    """What is there yet; who set it aside may always claim it."""
    network = stage.sandbox.network
    if network.ledger.claimables:
        chosen = rng.choice(list(network.ledger.claimables))
        builder = network.builder(stage.giver)
        builder.append_claim_claimable_balance_op(chosen)
        stage.play(builder, stage.giver)
        stage.tell("taken back")


def _want(stage: Stage, rng: random.Random) -> None:
    """A person of the desk has a little claimed that is listed."""
    refused = ClaimableBalance.objects.filter(state="REFUSED", reason="too_small")
    rows = sorted(refused, key=lambda row: (row.ledger, row.amount))
    if rows:
        _ask_for(stage, rng, rng.choice(rows))


def _ask_for(stage: Stage, rng: random.Random, row: ClaimableBalance) -> None:
    wanted = stage.model.asides[claimables.address_of(row.balance_id)]
    wanted.wanted = min(wanted.wanted, stage.now())
    who = rng.choice(stage.staff)
    wanted.promised |= act(
        stage,
        rng,
        f"claim {row.amount}",
        lambda: services.request_claim(balance_id=row.pk, actor=who),
    )


def again(stage: Stage) -> None:
    """A claim that did not come through in all its tries is asked for again by a person."""
    for row in ClaimableBalance.objects.filter(state="REFUSED", reason="failed").order_by("ledger"):
        _ask_for(stage, stage.rng, row)


def listed(stage: Stage) -> None:
    """The desk shows each once, as the network has it in the end."""
    shown: dict[str, list[str]] = {}
    for row in ClaimableBalance.objects.order_by("ledger", "amount"):
        stage.tell(f"aside {row.amount} {row.state} {row.reason}")
        shown.setdefault(claimables.address_of(row.balance_id), []).append(row.state)
    for address, made in stage.model.asides.items():
        states = shown.get(address, [])
        if made.went == stage.model.wallets[made.user]:
            fits = states == ["CLAIMED"]
        else:  # what was taken back may have been seen by no look
            fits = states in OPEN or (made.went == made.maker and not states)
        if not fits:
            stage.wrong(f"{made.amount} set aside for {made.user} is {states} at the desk")

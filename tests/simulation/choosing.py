"""Which order a step is about: mostly one whose time it is for that, as the network shows it.

Without this most requests of a run are refused, and few runs come as far as a dispute.
"""

import random
from typing import TypeVar

from offerhub.sandbox.escrow import Escrow
from tests.simulation.agreed import Order
from tests.simulation.stage import Stage

NEW, RESERVED, DEPLOYED, FUNDED, OVER = "new", "reserved", "deployed", "funded", "over"
FITTING = 0.85  # of the choices; the others ask for what is too early or too late
LAST = 8  # of those that there are
T = TypeVar("T")


def open_order(stage: Stage, rng: random.Random, *phases: str) -> Order | None:
    """One in one of these phases, None where there is none; now and then any."""
    rows = [row for row in stage.model.orders.values() if not row.cancelled]
    return _one(rng, _in(stage, rows, phases), rows)


def undisputed(stage: Stage, rng: random.Random) -> Order | None:
    """One with money in escrow about which nobody complained yet; now and then any."""
    known = {order for _, order, _ in stage.disputes}
    rows = [row for row in stage.model.orders.values() if row.id not in known]
    return _one(rng, _in(stage, rows, (FUNDED,)), list(stage.model.orders.values()))


def open_dispute(stage: Stage, rng: random.Random) -> tuple[str, Order, list[str]] | None:
    """Its id, order and milestones: one whose order's money is in escrow; now and then any."""
    every = [(key, stage.model.orders[order], refs) for key, order, refs in stage.disputes]
    held = {row.id for row in _in(stage, [row for _, row, _ in every], (FUNDED,))}
    return _one(rng, [one for one in every if one[1].id in held], every)


def _one(rng: random.Random, fitting: list[T], every: list[T]) -> T | None:
    rows = fitting if rng.random() < FITTING else every
    return rng.choice(rows[-LAST:]) if rows else None


def _in(stage: Stage, rows: list[Order], phases: tuple[str, ...]) -> list[Order]:
    ledger = stage.sandbox.network.ledger
    escrows = {escrow.engagement_id: escrow for escrow in ledger.escrows.values()}
    money = {key.split("|")[0] for key, amount in ledger.tokens.items() if amount}
    return [row for row in rows if _phase(row, escrows.get(row.id), money) in phases]


def _phase(row: Order, escrow: Escrow | None, money: set[str]) -> str:
    if escrow is None:
        return RESERVED if row.reserved else NEW
    single = escrow.kind == "single"
    if escrow.flags.closed if single else all(part.flags.closed for part in escrow.milestones):
        return OVER
    return FUNDED if escrow.contract_id in money else DEPLOYED

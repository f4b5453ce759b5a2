"""The movement of a manual adjustment: what was agreed to, and the rest to the reason's account."""

from collections.abc import Sequence

from ledger.chart import AccountKind as K
from ledger.kinds import EntryKind
from ledger.legs import Leg
from ledger.services import Posted, post
from offerhub.core.actor import Actor


def adjustment_legs(legs: Sequence[Leg], reason: str) -> list[Leg]:
    """The legs, and per asset what they leave over on `adjustment:{reason}`."""
    totals: dict[str, int] = {}
    for leg in legs:
        totals[leg.asset] = totals.get(leg.asset, 0) + leg.amount
    rest = [Leg(K.ADJUSTMENT, reason, asset, -total) for asset, total in totals.items() if total]
    return [*legs, *rest]


def adjustment(
    *,
    marketplace_id: str,
    adjustment_id: str,
    legs: Sequence[Leg],
    reason: str,
    text: str,
    actor: Actor,
) -> Posted:
    """People mend the books by hand, once per adjustment. The floors hold here too.

    What the legs do not balance themselves stands on `adjustment:{reason}`.
    """
    return post(
        marketplace_id=marketplace_id,
        kind=EntryKind.ADJUSTMENT,
        source=f"adjustment:{adjustment_id}",
        legs=adjustment_legs(legs, reason),
        description=text,
        actor=actor,
    )

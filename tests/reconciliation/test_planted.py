"""`verify` names every one of fifty planted corruptions in one run, and nothing in clean books."""

from collections import Counter

import pytest

from offerhub.reconciliation.verification import Report, Wanted, verify
from tests.http import Api
from tests.reconciliation.copied import copied_database
from tests.reconciliation.market import Market
from tests.reconciliation.planting import KINDS, Hand, plant
from tests.world import World


@pytest.fixture
def market(world: World, api: Api) -> Market:
    return Market(world, api)


def words(report: Report) -> str:
    """All that a reader sees."""
    return "\n".join(
        ", ".join(f"{name} {value}" for name, value in row.items())
        for checked in report.broken
        for row in checked.rows
    )


def test_fifty_corruptions_of_ten_kinds_are_named_in_one_run(market: Market, world: World) -> None:
    other = World(world.network).marketplace.id
    wanted = Wanted(marketplace_id=world.marketplace.id, limit=1000, patience=0)
    clean = verify(wanted)
    assert [(each.name, each.rows) for each in clean.broken] == []
    assert len(clean.checked) == 28
    with copied_database():
        planted = plant(Hand(market, other))
        told = words(verify(wanted))
    assert Counter(kind for kind, _ in planted) == dict.fromkeys(KINDS, 5)
    assert len({name for _, name in planted}) == 50
    assert [(kind, name) for kind, name in planted if name not in told] == []

"""A marketplace whose parties may hold their own keys."""

import pytest

from tests.http import Api
from tests.signing.scene import Market
from tests.world import World


@pytest.fixture
def market(world: World, api: Api) -> Market:
    """Ann and Bob are managed; Eva buys and Sam sells with keys of their own."""
    return Market(world, api)

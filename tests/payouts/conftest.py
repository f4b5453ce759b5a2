"""The scene of the withdrawals."""

import pytest

from tests.http import Api
from tests.payouts.crowd import Crowd
from tests.payouts.scene import Scene
from tests.world import World


@pytest.fixture
def scene(world: World, api: Api) -> Scene:
    """Ann with 100 USDC, and somewhere to send it."""
    return Scene(world, api)


@pytest.fixture
def crowd(world: World, api: Api) -> Crowd:
    """Three users with 100 USDC each."""
    return Crowd(world, api)

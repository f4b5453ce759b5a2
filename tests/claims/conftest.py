"""The scene of claimable balances."""

import pytest

from tests.claims.scene import Scene
from tests.world import World


@pytest.fixture
def scene(world: World) -> Scene:
    """Ann, whose wallet is alive and empty, and Eve outside, who has a hundred USDC."""
    return Scene(world)

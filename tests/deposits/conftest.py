"""The scene of the deposits."""

import pytest

from tests.deposits.scene import Scene
from tests.world import World


@pytest.fixture
def scene(world: World) -> Scene:
    """Ann, whose wallet is alive and empty."""
    return Scene(world)

"""The scene of the crashes."""

import pytest

from tests.crash.scene import Scene
from tests.world import World


@pytest.fixture
def scene(world: World) -> Scene:
    """Ann with 100, Bob with nothing."""
    return Scene(world)

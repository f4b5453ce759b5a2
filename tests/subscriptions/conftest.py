"""The scene."""

import pytest

from tests.http import Api
from tests.subscriptions.scene import Scene
from tests.world import World


@pytest.fixture
def scene(world: World, api: Api) -> Scene:
    """Ann has 1000."""
    return Scene(world, api)

"""The scene of the deposits, and networks of a test's own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from offerhub.chain.network import forget
from offerhub.deposits import monitor
from offerhub.deposits.models import ChainCursor
from tests.deposits.scene import Scene
from tests.network import Network, network_in_this_process
from tests.world import World


@pytest.fixture
def scene(world: World) -> Scene:
    """Ann, whose wallet is alive and empty."""
    return Scene(world)


@pytest.fixture
def another(network: Network, committed: None, tmp_path: Path) -> Iterator[Callable[..., Network]]:
    """Start a network of the test's own with these options and point the product at it.

    The monitor keeps what it knows of the network before, unless the test makes a World.
    """
    with ExitStack() as running:

        def start(**options: Any) -> Network:
            folder = tmp_path / f"network-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            own = running.enter_context(network_in_this_process(folder, **options))
            settings.SANDBOX_URL = own.url
            forget()  # an earlier one may have listened on the same port
            return own

        yield start
    settings.SANDBOX_URL = network.url
    forget()
    network.followed = False
    ChainCursor.objects.all().delete()
    monitor.forget()

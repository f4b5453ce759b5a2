"""A network whose escrow provider takes its fee, beside the one without."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from offerhub.chain.network import forget
from offerhub.deposits import monitor
from offerhub.deposits.models import ChainCursor
from offerhub.marketplaces import services as marketplaces
from tests.http import Api
from tests.network import Network, network_in_this_process
from tests.world import ACTOR, World


@pytest.fixture
def world_with_fees(network: Network, committed: None, tmp_path: Path) -> Iterator[World]:
    """A marketplace that takes 5 %, on a network whose provider takes 0.3 %."""
    seed = secrets.token_hex(8)
    with network_in_this_process(tmp_path, protocol_fee_bps=30, seed=seed) as own:
        settings.SANDBOX_URL = own.url
        forget()
        world = World(own)
        marketplaces.update_marketplace(
            marketplace_id=world.marketplace.id,
            name="Market with a fee",
            platform_fee_percent=5,
            release_policy=None,
            actor=ACTOR,
        )
        yield world
    settings.SANDBOX_URL = network.url
    forget()
    network.followed = False
    ChainCursor.objects.all().delete()
    monitor.forget()


@pytest.fixture
def api_of(server: str) -> Callable[[World], Api]:
    """The API for the marketplace of a world."""
    return lambda world: Api(server, world.key())

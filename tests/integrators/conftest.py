"""A marketplace on a network where amounts and destinations go wrong on purpose."""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from offerhub.chain.network import forget
from offerhub.core import clock
from offerhub.deposits import monitor
from offerhub.deposits.models import ChainCursor
from tests.http import Api
from tests.network import Network, network_in_this_process
from tests.world import World


@pytest.fixture
def place(network: Network, committed: None, tmp_path: Path) -> Iterator[World]:
    """The marketplace; its network is gone when the test ends."""
    ahead, seed = clock.offset(), secrets.token_hex(8)
    with network_in_this_process(tmp_path, scenarios=True, seed=seed) as own:
        own.control("clock", {"advance": int(ahead.total_seconds())})
        settings.SANDBOX_URL = own.url
        forget()
        yield World(own)
    settings.SANDBOX_URL = network.url
    forget()
    _go_back(ahead)
    network.followed = False
    ChainCursor.objects.all().delete()
    monitor.forget()


def _go_back(ahead: timedelta) -> None:
    """The time of the network that the other tests are on, which this one went ahead of."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE offerhub_clock SET ahead = make_interval(secs => %s)", [ahead.total_seconds()]
        )
    clock.set_offset(ahead)


@pytest.fixture
def its_api(server: str, place: World) -> Api:
    """That marketplace's server."""
    return Api(server, place.key())

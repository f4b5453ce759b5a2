"""Ann buys from Bob where the marketplace takes 5 % and the escrow provider 0.3 %."""

from collections.abc import Callable

import pytest

from tests.defects.conftest import world_with_fees as world_with_fees
from tests.fees.scene import Market
from tests.http import Api
from tests.world import World


@pytest.fixture
def market(world_with_fees: World, server: str) -> Callable[[str], Market]:
    """The marketplace, with whoever bears the fees of refunds."""

    def made(borne_by: str) -> Market:
        return Market(world_with_fees, Api(server, world_with_fees.key()), borne_by)

    return made

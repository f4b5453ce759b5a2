"""A standing share of `make fuzz`: every route, some hundred requests, the same each time."""

from pathlib import Path
from typing import Any

from offerhub.api.routes import routes
from tests.defects.principals import shop_of
from tests.fuzz.run import Plan, fuzz
from tests.http import Api
from tests.shop import leave_nothing
from tests.world import World

# It moves every other test's time.
CLOCK = "/api/v1/sandbox/clock"
# Where schemathesis begins, before it asks by chance.
DOCUMENT = "/api/v1/schema"


def test_every_route_answers_good_and_bad_input_as_the_document_says(
    world: World, api: Api, tmp_path: Path, settings: Any
) -> None:
    settings.API_WAIT_SECONDS = 0  # no worker is there to wait for
    shop = shop_of(world, api)
    plan = Plan("", "fuzzing", examples=4, seed=7, but=f"{CLOCK}$", key=api.key, workers=1)
    found = fuzz(plan, api.url.removesuffix("/api/v1"), tmp_path, shop, quiet=True)
    leave_nothing(api)
    assert found.status == 0, found.report
    asked = [route for route in routes() if route.path not in (CLOCK, DOCUMENT)]
    every = {f"{method} {route.path}" for route in asked for method in route.methods}
    assert found.operations - {f"GET {DOCUMENT}"} == every
    assert found.requests > 300
    statuses = found.by(2)
    assert {200, 400, 404} <= statuses.keys()
    assert max(statuses) < 500

"""The provider's limit with more work than it lets through: is the estimate true, is it fair?

    python -m bench budget

Fifty requests in six seconds instead of sixty, enforced by the sandbox, too: the same code, a tenth
of the time. The orders are made without a limit before.
"""

import json
from typing import Any

from bench.instance import beside, own_folder, running_in

LIMIT, WINDOW = 50, 6


def run() -> dict[str, Any]:
    """`rows` with estimate and truth in seconds since it was asked, `shares` of the two batches in
    operations until the smaller one ended, and the provider's `meter`."""
    limit = {"OFFERHUB_PROVIDER_LIMIT": str(LIMIT), "OFFERHUB_PROVIDER_WINDOW": str(WINDOW)}
    with own_folder() as folder:
        with running_in(folder) as instance:
            beside(instance, "bench.sales", "2", "30", "10")
        with running_in(folder, **limit) as instance:
            found: dict[str, Any] = json.loads(beside(instance, "bench.budget_play", **limit))
    return found

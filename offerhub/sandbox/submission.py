"""Submitting for an answer: at once while the clock runs, later when it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from offerhub.sandbox.envelope import Envelope
from offerhub.sandbox.network import Network, Outcome
from offerhub.sandbox.web import Response


def submit(
    network: Network,
    envelope: Envelope,
    answer: Callable[[Outcome], Response],
    late: Callable[[], Response],
) -> Response | Awaitable[Response]:
    """Hand in an envelope; ``late`` answers when no ledger took it within the patience."""
    landed: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def tell(outcome: Outcome) -> None:
        if not landed.done():
            landed.set_result(outcome)

    async def wait() -> Response:
        try:
            return answer(await asyncio.wait_for(landed, network.options.patience))
        except TimeoutError:
            return late()

    outcome = network.submit(envelope, tell)
    if outcome.tx is None and outcome.refused is None:
        return wait()
    return answer(outcome)

"""The client: one key on one server."""

from types import TracebackType
from typing import Any, Self

from offerhub_sdk import _core
from offerhub_sdk import models as m
from offerhub_sdk._async.http import AsyncHttp
from offerhub_sdk._async.resources import (
    AsyncCampaigns,
    AsyncDeposits,
    AsyncDisputes,
    AsyncEscrows,
    AsyncEvents,
    AsyncOperations,
    AsyncOrders,
    AsyncReports,
    AsyncResolution,
    AsyncSandbox,
    AsyncSubscriptions,
    AsyncUsers,
    AsyncWebhookEndpoints,
    AsyncWithdrawals,
)


class AsyncOfferHubClient:
    """Each change is sent with an idempotency key, is sent again when an answer is lost, and is
    followed until its chain operation has ended.

    `base_url` is without `/api/v1`. Times are seconds: `timeout` until an answer counts as lost,
    `pending_timeout` that a change is followed. Use it in a `with` block, or `close` it.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str,
        *,
        max_retries: int = 4,
        timeout: float = 45.0,
        pending_timeout: float = 300.0,
        transport: Any = None,
    ) -> None:
        policy = _core.Policy(max_retries, timeout, pending_timeout)
        self._http = http = AsyncHttp(api_key, base_url, policy, transport)
        self.users = AsyncUsers(http)
        self.deposits = AsyncDeposits(http)
        self.orders = AsyncOrders(http)
        self.escrow = AsyncEscrows(http)
        self.resolution = AsyncResolution(http)
        self.disputes = AsyncDisputes(http)
        self.withdrawals = AsyncWithdrawals(http)
        self.campaigns = AsyncCampaigns(http)
        self.subscriptions = AsyncSubscriptions(http)
        self.operations = AsyncOperations(http)
        self.events = AsyncEvents(http)
        self.webhook_endpoints = AsyncWebhookEndpoints(http)
        self.reports = AsyncReports(http)
        self.sandbox = AsyncSandbox(http)

    async def me(self) -> m.Me:
        """Which marketplace and key this is."""
        return await self._http.get("/me")

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

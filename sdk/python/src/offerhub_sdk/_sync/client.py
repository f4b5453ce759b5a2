"""The client: one key on one server."""

from types import TracebackType
from typing import Any, Self

from offerhub_sdk import _core
from offerhub_sdk import models as m
from offerhub_sdk._sync.http import Http
from offerhub_sdk._sync.resources import (
    Campaigns,
    Deposits,
    Disputes,
    Escrows,
    Events,
    Operations,
    Orders,
    Reports,
    Resolution,
    Sandbox,
    Subscriptions,
    Users,
    WebhookEndpoints,
    Withdrawals,
)


class OfferHubClient:
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
        self._http = http = Http(api_key, base_url, policy, transport)
        self.users = Users(http)
        self.deposits = Deposits(http)
        self.orders = Orders(http)
        self.escrow = Escrows(http)
        self.resolution = Resolution(http)
        self.disputes = Disputes(http)
        self.withdrawals = Withdrawals(http)
        self.campaigns = Campaigns(http)
        self.subscriptions = Subscriptions(http)
        self.operations = Operations(http)
        self.events = Events(http)
        self.webhook_endpoints = WebhookEndpoints(http)
        self.reports = Reports(http)
        self.sandbox = Sandbox(http)

    def me(self) -> m.Me:
        """Which marketplace and key this is."""
        return self._http.get("/me")

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

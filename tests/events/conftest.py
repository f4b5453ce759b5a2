"""A marketplace without a network: events need none."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from offerhub.core import outbound
from offerhub.core.actor import system
from offerhub.core.clock import ProductNow
from offerhub.core.db import in_transaction
from offerhub.events import endpoints, log
from offerhub.events.deliverer import Deliverer
from offerhub.events.models import Event, WebhookDelivery, WebhookEndpoint
from offerhub.marketplaces import services as marketplaces
from offerhub.marketplaces.models import Marketplace
from offerhub.marketplaces.scopes import Scope
from tests.events.consumer import Consumer, consuming
from tests.processes.children import clean_environment

ACTOR = system("test")


class Market:
    """A marketplace that makes events by changing its own settings and keys."""

    def __init__(self, name: str = "Market") -> None:
        self.row: Marketplace = marketplaces.create_marketplace(name=name, actor=ACTOR)
        self.id = self.row.id

    def rename(self, times: int = 1) -> None:
        """One event each, all about the marketplace itself."""
        for number in range(times):
            marketplaces.update_marketplace(
                marketplace_id=self.id,
                name=f"Market {number}",
                platform_fee_percent=number % 90,
                release_policy=None,
                actor=ACTOR,
            )

    def key(self, *scopes: str, name: str = "test") -> Any:
        """One event, about a subject of its own."""
        return marketplaces.create_api_key(
            marketplace_id=self.id, name=name, scopes=scopes or tuple(Scope), actor=ACTOR
        )

    def endpoint(self, url: str, *types: str) -> WebhookEndpoint:
        """One that hears of everything, or of these types, but not of its own making."""
        made = endpoints.create_endpoint(
            marketplace_id=self.id, url=url, types=types, actor=ACTOR
        ).endpoint
        log.number_new()
        WebhookDelivery.objects.filter(endpoint__marketplace=self.id).delete()
        return made

    def events(self) -> list[Event]:
        log.number_new()
        return log.read(self.id, limit=10_000)

    def deliveries(self, **filters: Any) -> list[WebhookDelivery]:
        rows = WebhookDelivery.objects.filter(endpoint__marketplace=self.id, **filters)
        return list(rows.select_related("event").order_by("number", "pk"))

    def reload(self, endpoint: WebhookEndpoint) -> WebhookEndpoint:
        return WebhookEndpoint.objects.get(pk=endpoint.pk)

    @in_transaction
    def hurry(self) -> None:
        """Whatever waits for its next try is due now, and no endpoint is left alone."""
        waiting = WebhookDelivery.objects.filter(endpoint__marketplace=self.id, status="PENDING")
        waiting.update(next_attempt_at=ProductNow())
        WebhookEndpoint.objects.filter(marketplace=self.id).update(paused_until=None)


def managed(*words: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """`manage.py` with these words on this test's own database, for `child`."""
    database, name = os.environ["DATABASE_URL"], connection.settings_dict["NAME"]
    before, _, after = database.partition("/postgres?")
    environment = clean_environment(
        DATABASE_URL=f"{before}/{name}?{after}",
        OFFERHUB_SANDBOX_URL=settings.SANDBOX_URL,
        LOG_LEVEL="ERROR",
        SECRET_KEY=settings.SECRET_KEY,
        OFFERHUB_KEY_ENCRYPTION_KEYS=settings.KEY_ENCRYPTION_KEYS,
    )
    return (sys.executable, "manage.py", *words), environment


@contextmanager
def delivering() -> Iterator[None]:
    """A deliverer of this process works until the block ends."""
    done = threading.Event()

    async def work() -> None:
        deliverer = Deliverer()
        while not done.is_set():
            await deliverer.turn()
            await asyncio.sleep(0.05)
        await deliverer.close()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.fixture
def market(committed: None) -> Iterator[Market]:
    """Leaves nothing to be sent behind: deliverers of other tests would take it."""
    made = Market()
    yield made
    WebhookDelivery.objects.filter(endpoint__marketplace=made.id, status="PENDING").delete()


@pytest.fixture
def consumer() -> Iterator[Consumer]:
    with consuming() as one:
        yield one


@pytest.fixture
def deliver(committed: None) -> Callable[..., None]:
    """Send what is due until nothing is."""

    def run(resolver: outbound.Resolver = outbound.system_resolver, timeout: float = 15.0) -> None:
        async def work() -> None:
            deliverer = Deliverer(resolver=resolver, timeout=timeout)
            await deliverer.idle()
            await deliverer.close()

        asyncio.run(work())

    return run

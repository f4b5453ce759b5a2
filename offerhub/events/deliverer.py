"""Sending webhooks: what `manage.py deliver` runs, apart from the workers that move money.

One loop: number what is new, write what came back, take what is due, send it. Sending is
asynchronous, so an endpoint that keeps its connections for fifteen seconds delays nobody; the
database is asked on one thread of its own. Any number of deliverers may run.
"""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from offerhub.core import clock, outbound
from offerhub.events import bodies, deliveries, endpoints, log, sending, signing
from offerhub.events.deliveries import Claimed, Result
from offerhub.events.models import WebhookSecret

R = TypeVar("R")
logger = structlog.get_logger(__name__)

TICK = 0.2  # seconds between two looks for new events
LOOK = 1.0  # seconds between two looks for what is due again
AWAY = 2.0  # seconds between two tries while the database does not answer
SECRETS_KEPT = 1000  # opened secrets that are remembered


class Deliverer:
    """Runs until `stop` is called; then what is on its way is waited for."""

    def __init__(
        self,
        *,
        resolver: outbound.Resolver = outbound.system_resolver,
        timeout: float = sending.TIMEOUT,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._resolver, self._timeout, self._tell_ready = resolver, timeout, ready
        self._database = ThreadPoolExecutor(1, thread_name_prefix="deliver")
        self._flying: Counter[str] = Counter()
        self._sending: set[asyncio.Task[None]] = set()
        self._results: list[Result] = []
        self._secrets: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._stopping = False
        self._look_at = 0.0

    def stop(self) -> None:
        """Take nothing new."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Work until stopped."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        announced = False
        while not self._stopping:
            try:
                await self.turn()
                if not announced:
                    self._tell_ready()
                    announced = True
                await self._pause(TICK)
            except DatabaseError as error:
                logger.warning("deliverer_put_off", error=str(error).strip())
                await self._pause(AWAY)
        await self.close()

    async def turn(self) -> int:
        """One round of the loop; how many deliveries were begun."""
        self._wake.clear()
        new = await self._ask(log.number_new)
        ended = await self._write()
        free = settings.WEBHOOK_CONNECTIONS - self._flying.total()
        due = bool(new or ended or time.monotonic() >= self._look_at)
        if not due or free <= 0:
            return 0
        self._look_at = time.monotonic() + LOOK
        flying = self._flying + Counter(
            # What failed meanwhile is not known to the breaker yet: its place is not free.
            r.claimed.endpoint
            for r in self._results
            if r.answer.problem
        )
        prepared = await self._ask(lambda: self._claim(flying, free))
        for claimed, secrets in prepared:
            self._flying[claimed.endpoint] += 1
            task = asyncio.create_task(self._send(claimed, secrets))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return len(prepared)

    async def idle(self) -> None:
        """Rounds until nothing is due and nothing is on its way; for tests."""
        while True:
            self._look_at = 0.0
            begun = await self.turn()
            if self._sending:
                await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
            elif not begun and not self._results:
                return

    async def close(self) -> None:
        """Wait for what is on its way, write what came of it, let the database go."""
        if self._sending:
            await asyncio.wait(self._sending)
        await self._write()
        await self._ask(lambda: connection.close())
        self._database.shutdown()

    # --- one delivery ---------------------------------------------------------------------------
    async def _send(self, claimed: Claimed, secrets: list[str]) -> None:
        """Sign and send; whatever happens, there is a result."""
        event, body = claimed.event, bodies.encoded(claimed.event)
        try:
            headers = signing.headers(event.id, int(time.time()), body, secrets)
            answer = await sending.post(
                claimed.url, body, headers, timeout=self._timeout, resolver=self._resolver
            )
        except Exception:
            logger.exception("delivery_failed", delivery=claimed.id)
            answer = sending.Answer(None, "internal", "the deliverer failed; see its log")
        logger.info(
            "webhook_sent",
            request_id=event.request_id,
            event_id=event.id,
            delivery=claimed.id,
            answered=answer.status,
            problem=answer.problem,
            ms=answer.milliseconds,
        )
        self._results.append(Result(claimed, answer))
        self._flying[claimed.endpoint] -= 1
        if not self._flying[claimed.endpoint]:
            del self._flying[claimed.endpoint]
        self._wake.set()

    # --- on the database's thread -----------------------------------------------------------------
    async def _ask(self, work: Callable[[], R]) -> R:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._database, _with_database, work)

    async def _write(self) -> int:
        """Write what came back; how many. What could not be written is tried again."""
        results, self._results = self._results, []
        try:
            if results:
                await self._ask(lambda: deliveries.finish(results))
        except DatabaseError:
            self._results = results + self._results
            raise
        return len(results)

    def _claim(self, flying: dict[str, int], free: int) -> list[tuple[Claimed, list[str]]]:
        found = deliveries.claim(flying, free)
        if not found:
            return []
        secrets: dict[str, list[str]] = {}
        rows = WebhookSecret.objects.filter(endpoint__in={one.endpoint for one in found})
        for row in rows.order_by("-pk"):
            if row.expires_at is None or row.expires_at > clock.now():
                secrets.setdefault(row.endpoint_id, []).append(self._opened(row))
        return [(one, secrets.get(one.endpoint, [])) for one in found]

    def _opened(self, row: WebhookSecret) -> str:
        if row.pk not in self._secrets:
            if len(self._secrets) >= SECRETS_KEPT:
                self._secrets.clear()
            self._secrets[row.pk] = endpoints.reveal(row)
        return self._secrets[row.pk]

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return


def _with_database(work: Callable[[], Any]) -> Any:
    close_old_connections()
    return work()

"""The log of calls: what each key asked for and what it was answered, kept for 30 days.

Neither bodies nor queries are kept, so no secret can be. A call is noted in memory and written in
portions by a thread beside the requests: it costs a request nothing, and a process that is killed
takes at most its last second of the log along. What happened to money is in the events.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from offerhub.api.models import ApiCall
from offerhub.core import clock
from offerhub.core.clock import ProductNow

log = structlog.get_logger(__name__)

EVERY = 1.0  # seconds between two portions
MOST_KEPT = 20_000  # calls in memory; a database that is away costs the oldest ones
PORTION = 1000
RETENTION = timedelta(days=30)
LONGEST_PATH = 200


class Writer:
    """Collects calls and writes them. One for each process; a fork begins its own."""

    def __init__(self, write: Callable[[list[ApiCall]], None]) -> None:
        self._write = write
        self._waiting: deque[ApiCall] = deque(maxlen=MOST_KEPT)
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._process = 0

    def add(self, call: ApiCall) -> None:
        """Note a call; returns at once."""
        self._waiting.append(call)
        if self._process != os.getpid():
            self._begin()
        self._bell.set()

    def flush(self) -> None:
        """Write what waits, on this thread."""
        while portion := self._next():
            self._write(portion)

    def _next(self) -> list[ApiCall]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(PORTION, len(self._waiting)))]

    def _begin(self) -> None:
        with self._lock:
            if self._process == os.getpid():
                return
            self._process = os.getpid()
        threading.Thread(target=self._run, name="call-log", daemon=True).start()

    def _run(self) -> None:
        """Write portion after portion. An idle process keeps no connection for it."""
        while True:
            if not self._bell.wait(timeout=EVERY):
                connection.close()
                self._bell.wait()
            self._bell.clear()
            time.sleep(EVERY)
            try:
                close_old_connections()
                self.flush()
            except DatabaseError as error:
                log.warning("call_log_lost", error=str(error).strip())


def _write(calls: list[ApiCall]) -> None:
    ApiCall.objects.bulk_create(calls)


writer = Writer(_write)


def note(request: HttpRequest, response: HttpResponseBase, request_id: str, ms: float) -> None:
    """Note a call that came with a good key; others belong to no marketplace."""
    principal = getattr(request, "offerhub_principal", None)
    if principal is None or not settings.API_CALL_LOG:
        return
    route = request.resolver_match.route if request.resolver_match else ""
    writer.add(
        ApiCall(
            marketplace_id=principal.marketplace_id,
            key_id=principal.key_id,
            method=(request.method or "")[:7],
            path=request.path[:LONGEST_PATH],
            route=route[:LONGEST_PATH],
            status=response.status_code,
            milliseconds=round(ms),
            idempotency=_idempotency(request, response),
            problem=getattr(response, "offerhub_problem", ""),
            request_id=request_id,
            created_at=clock.now(),
        )
    )


def _idempotency(request: HttpRequest, response: HttpResponseBase) -> str:
    if "HTTP_IDEMPOTENCY_KEY" not in request.META:
        return ""
    replayed = response.headers.get("Idempotent-Replayed") == "true"
    return ApiCall.Idempotency.REPLAYED if replayed else ApiCall.Idempotency.KEYED


def forget_old() -> int:
    """Delete calls past their 30 days, in portions; how many."""
    total = 0
    while True:
        old = ApiCall.objects.filter(created_at__lt=ProductNow() - RETENTION)
        portion = list(old.order_by("created_at").values_list("pk", flat=True)[:PORTION])
        deleted, _ = ApiCall.objects.filter(pk__in=portion).delete()
        total += deleted
        if len(portion) < PORTION:
            return total

"""What machines ask: `/healthz` (this process answers), `/readyz` (it can do its work, and how the
installation is), `/metrics` (figures for Prometheus).

As the first middleware and not as routes: they are asked by address, over plain HTTP, every few
seconds, and so must meet neither the host check nor the redirect to https nor the log.
"""

import math
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from offerhub.operations import guard, health

Handler = Callable[[HttpRequest], HttpResponseBase]
KEPT_SECONDS = 1.0  # anybody may ask `/readyz`: it costs the database two statements a second
# Whoever asks while somebody is still asking the database waits so long at most, and is then told
# what was so lately, if anything was: a silent connection must not hold up a thread for each asker.
WAIT_SECONDS, LATELY_SECONDS = 1.0, 5.0

Answer = tuple[dict[str, Any], int]


class Health:
    """Answers the three paths; everything else goes on."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self._readiness = health.Readiness()
        self._lock = threading.Lock()
        self._kept: tuple[float, Answer] | None = None

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == "/healthz":
            return _json({"status": "ok"}, 200)
        if request.path == "/readyz":
            return _json(*self._ready())
        if request.path == "/metrics":
            return _metrics(request)
        return self.get_response(request)

    def _ready(self) -> Answer:
        """One thread asks the database, the others take its answer, or the one before."""
        if self._lock.acquire(timeout=WAIT_SECONDS):
            try:
                if self._age() > KEPT_SECONDS:
                    self._kept = time.monotonic(), self._ask()
            finally:
                self._lock.release()
        elif self._age() > LATELY_SECONDS:
            return {"status": health.SILENT}, 503
        assert self._kept is not None
        return self._kept[1]

    def _age(self) -> float:
        return time.monotonic() - self._kept[0] if self._kept else math.inf

    def _ask(self) -> Answer:
        """503 takes this process out of service: only for what makes it useless. The network, the
        worker or the monitor being away is told, and the API goes on."""
        if problem := self._readiness.problem():
            return {"status": problem}, 503
        try:
            reading = health.read()
        except DatabaseError:
            return {"status": "warning", "facts": []}, 200
        facts = [health.told(fact) for fact in reading.facts]
        return {"status": reading.state.value, "facts": facts}, 200


def _metrics(request: HttpRequest) -> HttpResponseBase:
    if (status := guard.refusal(request)) is not None:
        answer = HttpResponse(status=status, headers={"Cache-Control": "no-store"})
        if status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    from offerhub.operations import metrics

    text = metrics.exposition()
    return HttpResponse(
        text, content_type=metrics.CONTENT_TYPE, headers={"Cache-Control": "no-store"}
    )


def _json(body: dict[str, Any], code: int) -> JsonResponse:
    return JsonResponse(body, status=code, headers={"Cache-Control": "no-store"})

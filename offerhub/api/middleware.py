"""One request, one id, one line in the log. Stands first of the middlewares, so that the line says
what was really answered; the id is in every other line of the request, in the answer, in events."""

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from offerhub.api import call_log, timings
from offerhub.api.requests import request_id_of

log = structlog.get_logger(__name__)


class RequestContext:
    """Binds the request id to the log and notes how the request ended.

    Writes and refusals are `info`, failures of ours are `error`, reads that went well are `debug`.
    Paths are written without their query: people paste secrets into queries.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        structlog.contextvars.clear_contextvars()
        started = time.perf_counter()
        request_id = request_id_of(request)
        response = self.get_response(request)
        response.headers.setdefault("X-Request-Id", request_id)
        status = response.status_code
        if status >= 500:
            note = log.error
        elif status >= 400 or request.method not in ("GET", "HEAD"):
            note = log.info
        else:
            note = log.debug
        seconds = time.perf_counter() - started
        timings.note(request.method, request.path, status, seconds)
        ms = round(seconds * 1000, 1)
        note("request", method=request.method, path=request.path, status=status, ms=ms)
        call_log.note(request, response, request_id, ms)
        structlog.contextvars.clear_contextvars()
        return response

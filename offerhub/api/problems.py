"""Refusals as documents: `application/problem+json`, RFC 9457.

    {"type": "/api/v1/docs#insufficient_funds", "title": …, "status": 422,
     "code": "insufficient_funds", "detail": …, "requestId": …, "available": "1.00", …}

`errors: [{field, code, message}]` names the fields of a body. An unexpected exception is logged
with its trace; the answer has the request id and nothing else.
"""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views import defaults
from rest_framework import exceptions as drf

from offerhub.api.refusals import Busy, Internal, MethodNotAllowed
from offerhub.api.rendering import PROBLEM, Response, respond
from offerhub.api.requests import request_id_of
from offerhub.chain.types import ChainUnavailable
from offerhub.core.db import SERIALIZATION_FAILURES, sqlstate
from offerhub.core.errors import (
    Forbidden,
    Malformed,
    NotFound,
    PayloadTooLarge,
    Refusal,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)

log = structlog.get_logger(__name__)

API = "/api/"
# Somebody else held the rows: lock_not_available, and deadlocks that came back after every retry.
BUSY = SERIALIZATION_FAILURES | {"55P03"}
DOCS = "/api/v1/docs"


def document(refusal: Refusal, request_id: str) -> dict[str, Any]:
    """The problem document of a refusal. `extra` members come last and never replace the rest."""
    body: dict[str, Any] = {
        "type": f"{DOCS}#{refusal.code}",
        "title": refusal.title,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail,
        "requestId": request_id,
    }
    if refusal.errors:
        body["errors"] = [
            {"field": e.field, "code": e.code, "message": e.message} for e in refusal.errors
        ]
    return refusal.extra | body


def answer(refusal: Refusal, request_id: str) -> Response:
    """The answer to a request that was refused."""
    response = respond(document(refusal, request_id), refusal.status, PROBLEM)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="offerhub"'
    if isinstance(refusal, MethodNotAllowed) and "allowed" in refusal.extra:
        response.headers["Allow"] = ", ".join(refusal.extra["allowed"])
    response._has_been_logged = True  # type: ignore[attr-defined]  # once is enough, see below
    response.offerhub_problem = refusal.code  # type: ignore[attr-defined]  # for the log of calls
    response.headers["X-Request-Id"] = request_id
    response.headers["Cache-Control"] = "no-store"
    return response


def refusal_of(error: Exception) -> Refusal:
    """What to say of an exception; what nobody foresaw is logged and is `Internal`."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, OperationalError | InterfaceError):
        state = sqlstate(error)
        log.warning("database_unavailable", sqlstate=state, error=str(error).strip())
        if state in BUSY:
            return Busy(retry_after=1)
        return Unavailable("The database did not answer in time", retry_after=1)
    if isinstance(error, ChainUnavailable):
        log.warning("chain_unavailable", error=str(error))
        return Unavailable("The network does not answer", retry_after=1)
    for kind, make in _TRANSLATIONS:
        if isinstance(error, kind):
            return make(error)
    log.error("request_failed", exc_info=error)
    return Internal("The error was logged; name the request id when you ask about it")


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler."""
    return answer(refusal_of(error), context["request"].request_id)


_TRANSLATIONS: list[tuple[type[Exception], Callable[[Any], Refusal]]] = [
    (Http404, lambda _: NotFound()),
    (PermissionDenied, lambda _: Forbidden()),
    (RequestDataTooBig, lambda _: PayloadTooLarge()),
    (SuspiciousOperation, lambda _: Malformed()),
    (drf.NotFound, lambda _: NotFound()),
    (drf.ParseError, lambda error: Malformed(str(error.detail))),
    (drf.UnsupportedMediaType, lambda _: UnsupportedMediaType()),
    (drf.NotAuthenticated, lambda _: Unauthenticated()),
    (drf.AuthenticationFailed, lambda _: Unauthenticated()),
    (drf.PermissionDenied, lambda _: Forbidden()),
]


# --- for requests that met no view: named as handler404 and so on in the root URLconf -----------


def _in_api(request: HttpRequest) -> bool:
    return request.path.startswith(API)


def handler400(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """A request that Django itself found suspicious."""
    if _in_api(request):
        return answer(Malformed(), request_id_of(request))
    return defaults.bad_request(request, exception)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if _in_api(request):
        return answer(Forbidden(), request_id_of(request))
    return defaults.permission_denied(request, exception)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """No route. Below /api/ a problem document, elsewhere a page."""
    if _in_api(request):
        return answer(NotFound(f"There is no route {request.path}"), request_id_of(request))
    return defaults.page_not_found(request, exception)


def handler500(request: HttpRequest) -> HttpResponseBase:
    if _in_api(request):
        return answer(Internal(), request_id_of(request))
    return defaults.server_error(request)

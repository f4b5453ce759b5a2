"""The request as the API's handlers see it: who calls, for which marketplace, under which id."""

import re
import secrets
from functools import cached_property
from typing import Any

import structlog
from django.http import HttpRequest
from rest_framework.request import Request

from offerhub.api.authentication import Principal
from offerhub.api.buckets import Verdict
from offerhub.api.refusals import KeyMissing, LengthRequired
from offerhub.core.actor import Actor, ActorKind

_SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


def request_id_of(request: HttpRequest) -> str:
    """The caller's `X-Request-Id` when it is safe to write into logs, else a new one. Made once."""
    known: str | None = getattr(request, "offerhub_request_id", None)
    if known is None:
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        known = sent if _SAFE_ID.fullmatch(sent) else f"req_{secrets.token_hex(12)}"
        request.offerhub_request_id = known  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(request_id=known)
    return known


class ApiRequest(Request):
    """DRF's request with the house's words on it."""

    rate: Verdict | None = None  # what the key's bucket said

    @cached_property
    def request_id(self) -> str:
        """Also in the answer's `X-Request-Id`, in every log line, and in the events."""
        return request_id_of(self._request)

    @property
    def principal(self) -> Principal:
        """The key that calls; raises KeyMissing on a public route that was called without one."""
        principal: Any = self.auth
        if not isinstance(principal, Principal):
            raise KeyMissing
        return principal

    @property
    def marketplace_id(self) -> str:
        """The tenant. Every query of every handler is within it."""
        return self.principal.marketplace_id

    @cached_property
    def actor(self) -> Actor:
        """Who does what this request asks for."""
        return Actor(ActorKind.API_KEY, self.principal.key_id, self.request_id)

    def _load_stream(self) -> None:
        """A chunked body has no length; Django would take it for an empty one."""
        meta = self._request.META
        if "chunked" not in meta.get("HTTP_TRANSFER_ENCODING", "").lower():
            super()._load_stream()  # type: ignore[misc]
        elif meta.get("wsgi.input_terminated"):
            self._stream = meta["wsgi.input"]
        else:
            raise LengthRequired

"""Answers as JSON. Times as RFC 3339 in UTC, ending in Z."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.renderers import BaseRenderer

# What every handler of the API answers.
Response = HttpResponse

JSON = "application/json"
PROBLEM = "application/problem+json"
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def encode(value: Any) -> bytes:
    """JSON bytes. Amounts are texts by now: a Decimal here is a defect and raises TypeError."""
    return orjson.dumps(value, option=_OPTIONS)


def respond(body: Any, status: int = 200, content_type: str = JSON) -> Response:
    """An answer with this body; bytes and stored text are taken as they are."""
    content = body if isinstance(body, bytes | str) else encode(body)
    return HttpResponse(content, status=status, content_type=content_type)


class JsonRenderer(BaseRenderer):
    """The same for what DRF renders itself."""

    media_type = JSON
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else encode(data)

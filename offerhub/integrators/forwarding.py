"""Asking the sandbox network's own controls. Nothing of the product behaves otherwise for it."""

from typing import Any

import orjson
from django.conf import settings

from offerhub.chain import http
from offerhub.chain.types import ChainUnavailable
from offerhub.core.errors import Unavailable, Unprocessable


def ask(method: str, control: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The answer of a control. Raises Unprocessable in its words, and Unavailable without one."""
    url = f"{settings.SANDBOX_URL}/control/{control}"
    content = orjson.dumps(body) if body is not None else None
    try:
        answer = http.call(method, url, content=content)
    except ChainUnavailable as error:
        raise Unavailable(f"The sandbox network does not answer: {error}", retry_after=1) from error
    said: dict[str, Any] = answer.body if isinstance(answer.body, dict) else {}
    if not answer.ok:
        raise Unprocessable(f"The sandbox network refused it: {said.get('error', answer.status)}")
    return said

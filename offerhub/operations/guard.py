"""Who may read `/metrics`: whoever has the token, and on the sandbox this machine. Nobody else."""

import hmac
import ipaddress
from contextlib import suppress

from django.conf import settings
from django.http import HttpRequest

# A proxy on this machine speaks for others, and comes from loopback too.
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP")


def refusal(request: HttpRequest) -> int | None:
    """The status to refuse with; None lets the request in.

    Without a token that is set there is nothing to find for anybody outside.
    """
    if request.method not in ("GET", "HEAD"):
        return 405
    token = settings.METRICS_TOKEN
    if token and _bears(request, token):
        return None
    if settings.OFFERHUB_NETWORK == "sandbox" and _from_this_machine(request):
        return None
    return 401 if token else 404


def _bears(request: HttpRequest, token: str) -> bool:
    kind, _, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


def _from_this_machine(request: HttpRequest) -> bool:
    if any(name in request.META for name in _FORWARDED):
        return False
    with suppress(ValueError):
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    return False

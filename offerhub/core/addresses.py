"""Where a request comes from."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Who is at the other end: the peer, or what our own proxies (TRUSTED_PROXIES) say of it."""
    proxies: int = settings.AXES_IPWARE_PROXY_COUNT or 0
    if proxies:
        hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        if len(hops) >= proxies and hops[-proxies]:
            return str(hops[-proxies])
    return str(request.META.get("REMOTE_ADDR", ""))

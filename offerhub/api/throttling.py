"""How often a key may call: a token bucket per key, `settings.API_RATE_PER_SECOND`.

With Redis the bucket is one for all processes. Without it, or while it does not answer, every web
process keeps a bucket of its own with its share of the rate: the limit may then be too low, but
never absent.
"""

from math import ceil

from django.conf import settings
from django.http.response import HttpResponseBase

from offerhub.api import shared_buckets
from offerhub.api.authentication import Principal
from offerhub.api.buckets import Buckets, Verdict
from offerhub.api.requests import ApiRequest
from offerhub.core.errors import RateLimited

local = Buckets()


def admit(request: ApiRequest) -> None:
    """Take one of the key's tokens; raises RateLimited. Routes without a key are not counted."""
    principal = request.auth
    if isinstance(principal, Principal):
        verdict = request.rate = _take(principal.key_id)
        if not verdict.admitted:
            raise RateLimited(
                f"This key may call {settings.API_RATE_PER_SECOND:g} times a second",
                retry_after=max(1, ceil(verdict.next_in)),
            )


def tell(request: ApiRequest, response: HttpResponseBase) -> None:
    """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers): `q` calls in `w`
    seconds; `r` are left, and in `t` seconds all are there again."""
    verdict = request.rate
    if verdict is not None:
        window = ceil(verdict.capacity / verdict.rate)
        response.headers["RateLimit-Policy"] = f'"key";q={int(verdict.capacity)};w={window}'
        response.headers["RateLimit"] = f'"key";r={int(verdict.tokens)};t={ceil(verdict.full_in)}'


def _take(name: str) -> Verdict:
    rate: float = settings.API_RATE_PER_SECOND
    if shared_buckets.url():
        verdict = shared_buckets.take(name, rate)
        if verdict is not None:
            return verdict
    return local.take(name, rate / max(1, settings.WEB_WORKERS))

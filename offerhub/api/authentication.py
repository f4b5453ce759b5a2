"""API keys: `Authorization: Bearer ohk_{test or live}_{prefix}_{secret}`.

Only the SHA-256 digest of a key is stored; its secret has 256 random bits, so nothing slower is
needed. A key that was verified is remembered in this process for less than a second: a busy key
costs no query, and a revoked one is refused within a second everywhere.
"""

import hmac
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from offerhub.api.addresses import client_address
from offerhub.api.buckets import Buckets
from offerhub.api.refusals import (
    KeyExpired,
    KeyMalformed,
    KeyMissing,
    KeyOfOtherNetwork,
    KeyRevoked,
    KeyUnknown,
)
from offerhub.core import clock
from offerhub.core.errors import RateLimited, Unauthenticated
from offerhub.marketplaces import tokens
from offerhub.marketplaces.models import ApiKey, Marketplace

REMEMBERED = 0.9  # seconds; revocation takes effect within one
REMEMBERED_KEYS = 10_000
TOUCH_EVERY = timedelta(minutes=1)
BAD_KEYS_PER_SECOND = 20.0  # looked up for one address


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified key."""

    marketplace_id: str
    marketplace_name: str
    marketplace_fees: Mapping[str, Any]  # as GET /me shows them
    key_id: str
    key_name: str
    scopes: frozenset[str]
    expires_at: datetime | None


_lock = threading.Lock()
# What is known of a key, until when; also of one that was refused. Entries outlive their time:
# an address that sends bad keys does not lock out a key that was good before.
_known: dict[bytes, tuple[float, "Principal | Unauthenticated"]] = {}
_bad_keys = Buckets()


def verify(token: str, address: str = "") -> Principal:
    """Who holds this key; raises the Unauthenticated that fits.

    An address that sent too many bad keys lately may not have more looked up: RateLimited.
    """
    proof = tokens.digest(token)
    until, found = _known.get(proof, (0.0, None))
    if until <= time.monotonic():
        form = _form(token)
        if not isinstance(found, Principal) and _bad_keys.is_empty(address, BAD_KEYS_PER_SECOND):
            raise RateLimited("Too many keys that are not valid", retry_after=1)
        until = time.monotonic() + REMEMBERED
        found = _look_up(form.prefix, proof)
        if not isinstance(found, Principal):
            _bad_keys.take(address, BAD_KEYS_PER_SECOND)
        _remember(proof, until, found)
    if isinstance(found, Unauthenticated):
        raise type(found)()  # a fresh one: an exception gathers the trace of where it was raised
    assert found is not None
    if found.expires_at is not None and clock.now() >= found.expires_at:
        raise KeyExpired
    return found


def forget() -> None:
    """Drop all that this process remembers of keys."""
    with _lock:
        _known.clear()
    _bad_keys.clear()


def _remember(proof: bytes, until: float, found: "Principal | Unauthenticated") -> None:
    with _lock:
        if len(_known) >= REMEMBERED_KEYS:
            _known.clear()
        _known[proof] = (until, found)


def _form(token: str) -> tokens.Token:
    form = tokens.parse(token)
    if form is None:
        raise KeyMalformed
    if form.mode != tokens.mode():
        raise KeyOfOtherNetwork(f"This installation takes ohk_{tokens.mode()}_ keys")
    return form


def _look_up(prefix: str, proof: bytes) -> "Principal | Unauthenticated":
    row = ApiKey.objects.select_related("marketplace").filter(prefix=prefix).first()
    # Compared even when there is no such prefix, so that both cases take the same time.
    kept = bytes(row.digest) if row is not None else bytes(32)
    if not hmac.compare_digest(kept, proof) or row is None:
        return KeyUnknown()
    if row.revoked_at is not None:
        return KeyRevoked()
    _touch(row)
    return Principal(
        marketplace_id=row.marketplace_id,
        marketplace_name=row.marketplace.name,
        marketplace_fees=_fees(row.marketplace),
        key_id=row.id,
        key_name=row.name,
        scopes=frozenset(row.scopes),
        expires_at=row.expires_at,
    )


def _fees(marketplace: Marketplace) -> dict[str, Any]:
    return {
        "platformFeePercent": marketplace.platform_fee_percent,
        "maxPlatformFeePercent": marketplace.highest_fee_percent,
        "refundFeesBorneBy": marketplace.refund_fees_borne_by,
    }


def _touch(row: ApiKey) -> None:
    """Note the use, at most once a minute whatever the number of processes."""
    if row.last_used_at is None or row.last_used_at < timezone.now() - TOUCH_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=Now() - TOUCH_EVERY)
        ApiKey.objects.filter(stale, pk=row.pk).update(last_used_at=Now())


class ApiKeyAuthentication(BaseAuthentication):
    """`request.auth` is the Principal; there is no Django user behind a key."""

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        """None when no key was sent at all; raises Unauthenticated for one that is not good."""
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise KeyMissing
        principal = verify(token.strip(), client_address(request._request))
        request._request.offerhub_principal = principal  # type: ignore[attr-defined]  # call_log
        return None, principal

    def authenticate_header(self, request: Request) -> str:
        """For `WWW-Authenticate` of a 401."""
        return 'Bearer realm="offerhub"'

"""Signatures of this installation on what it says to others: a closed day, a proof.

Ed25519 with a key of `settings.SIGNING_KEYS` (`id:base64 of 32 bytes`, the newest first). Whoever
has the public key can check a signature with any program; keys that were used stay listed, so that
what they signed can still be checked here.
"""

import base64
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_KEY = 32


@dataclass(frozen=True)
class Signature:
    """`value` is base64 of 64 bytes; `key_id` and `public_key` (base64) say whose it is."""

    key_id: str
    public_key: str
    value: str


def sign(content: bytes) -> Signature:
    """The newest key's signature."""
    key_id, key = next(iter(_keys(settings.SIGNING_KEYS).items()))
    return Signature(key_id, _public(key), base64.b64encode(key.sign(content)).decode())


def is_signed(content: bytes, key_id: str, value: str) -> bool:
    """Whether a signature is this installation's and is of exactly this content."""
    key = _keys(settings.SIGNING_KEYS).get(key_id)
    if key is None:
        return False
    try:
        key.public_key().verify(base64.b64decode(value), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def newest_public_key() -> str:
    """Of the key that signs now, base64: to publish where others find it."""
    return _public(next(iter(_keys(settings.SIGNING_KEYS).values())))


def public_key(key_id: str) -> str:
    """The public key of an id, base64; "" when it is not listed any more."""
    key = _keys(settings.SIGNING_KEYS).get(key_id)
    return _public(key) if key else ""


def _public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


@cache
def _keys(configured: str) -> dict[str, Ed25519PrivateKey]:
    keys = {}
    for item in configured.strip().split(","):
        key_id, _, encoded = item.strip().partition(":")
        try:
            seed = base64.b64decode(encoded, validate=True)
        except ValueError:
            seed = b""
        if not key_id or len(seed) != _KEY:
            raise ImproperlyConfigured(
                "OFFERHUB_SIGNING_KEYS must be id:base64 of 32 bytes, separated by commas"
            )
        keys[key_id] = Ed25519PrivateKey.from_private_bytes(seed)
    return keys

"""The installation's key for proofs: ed25519, kept with the other secrets."""

import base64
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from offerhub.core.errors import Unavailable


def public_key() -> str:
    """Base64 of its 32 bytes. Raises Unavailable when none is configured."""
    raw = _key(settings.PROOF_KEY).public_key()
    encoding = serialization.Encoding.Raw, serialization.PublicFormat.Raw
    return base64.b64encode(raw.public_bytes(*encoding)).decode()


def sign(content: bytes) -> str:
    """Base64 of the signature. Raises Unavailable when no key is configured."""
    return base64.b64encode(_key(settings.PROOF_KEY).sign(content)).decode()


@cache
def _key(configured: str) -> Ed25519PrivateKey:
    if not configured:
        raise Unavailable("No proof can be signed: set OFFERHUB_PROOF_KEY")
    try:
        seed = base64.b64decode(configured.strip(), validate=True)
        return Ed25519PrivateKey.from_private_bytes(seed)
    except ValueError:
        raise ImproperlyConfigured("OFFERHUB_PROOF_KEY must be base64 of 32 bytes") from None

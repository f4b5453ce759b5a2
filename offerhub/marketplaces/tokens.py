"""The form of an API key: `ohk_{test or live}_{prefix}_{secret}`.

The prefix finds the row, the secret (256 random bits) proves the holder. Only the SHA-256 digest of
the whole is stored: nothing slower is needed where there is nothing to guess.
"""

import hashlib
import re
import secrets
import string
from typing import NamedTuple

from django.conf import settings

PREFIX_LENGTH = 8

_ALPHABET = string.ascii_letters + string.digits
_FORM = re.compile(r"ohk_(test|live)_([0-9A-Za-z]{8})_[0-9A-Za-z_-]{43}", re.ASCII)


class Token(NamedTuple):
    """`text` is shown once and then forgotten."""

    text: str
    mode: str
    prefix: str


def mode() -> str:
    """`live` where money is real, else `test`: keys of one never work on the other."""
    return "live" if settings.OFFERHUB_NETWORK == "mainnet" else "test"


def make() -> Token:
    """A new key for this installation's network."""
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(PREFIX_LENGTH))
    return Token(f"ohk_{mode()}_{prefix}_{secrets.token_urlsafe(32)}", mode(), prefix)


def parse(text: str) -> Token | None:
    """The parts of a text that has the form of a key; None for any other."""
    form = _FORM.fullmatch(text)
    return Token(text, form.group(1), form.group(2)) if form else None


def digest(text: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(text.encode()).digest()

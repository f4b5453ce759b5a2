"""Public ids: a prefix that names the kind, then a time-ordered 128-bit number.

`ord_01k9…`: the number is a UUID version 7 in Crockford's base 32, 26 characters, lower case.
Ids sort by the time they were made, so an index on them grows at its end and "newest first"
needs no other column.
"""

from base64 import b32encode
from datetime import datetime

from uuid_utils import uuid7

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LETTERS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALPHABET.encode())
LENGTH = 26
MAX_LENGTH = 32  # column width: prefix of at most five characters, underscore, 26


def new_id(prefix: str) -> str:
    """A fresh id such as `ord_01k9v3c0m8f4v9x2n6q7r5t1ab`."""
    return _written(prefix, int(uuid7()))


def id_from(prefix: str, at: datetime) -> str:
    """The least id that could have been made at an instant: ids from it on were made since."""
    return _written(prefix, int(at.timestamp() * 1000) << 80)


def _written(prefix: str, number: int) -> str:
    # RFC 4648's base 32 cuts the number at the same bits; only its letters are others.
    digits = b32encode(number.to_bytes(20, "big"))[-LENGTH:].translate(_LETTERS)
    return f"{prefix}_{digits.decode()}"


def has_prefix(value: str, prefix: str) -> bool:
    """Whether a text claims to be one of our ids of that kind (it may still not exist)."""
    return value.startswith(f"{prefix}_")

"""Public ids: a prefix that names the kind, then a time-ordered 128-bit number.

`ord_01k9…`: the number is a UUID version 7 in Crockford's base 32, 26 characters, lower case.
Ids sort by the time they were made, so an index on them grows at its end and "newest first"
needs no other column.
"""

from uuid_utils import uuid7

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
MAX_LENGTH = 32  # column width: prefix of at most five characters, underscore, 26


def new_id(prefix: str) -> str:
    """A fresh id such as `ord_01k9v3c0m8f4v9x2n6q7r5t1ab`."""
    number = int(uuid7())
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, 32)
        digits.append(ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(digits))}"


def has_prefix(value: str, prefix: str) -> bool:
    """Whether a text claims to be one of our ids of that kind (it may still not exist)."""
    return value.startswith(f"{prefix}_")

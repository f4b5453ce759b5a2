"""One text for one value, and its digest: what people agree to and what is chained is hashed so.

Canonical JSON: keys in order, no spaces, UTF-8, instants in UTC to the microsecond, no floats.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def digest(values: Mapping[str, Any]) -> str:
    """The SHA-256 of the canonical JSON, in hexadecimal; the values are as `plain` makes them."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def plain(value: Any) -> Any:
    """The value as it comes back from a JSON column: no floats, no NULs, no sets.

    What JSON does not know becomes its text, so this may be done again without a difference.
    """
    if isinstance(value, Mapping):
        return {clean(str(key)): plain(each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return [plain(each) for each in sorted(value, key=str)]
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool) or type(value) is int:
        return value
    return clean(str(text(value)))


def text(value: Any) -> Any:
    """An instant as text; anything else as it is."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value


def clean(words: str) -> str:
    """A text that the database takes: without NUL and without halves of characters."""
    return words.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()

"""The chain's arithmetic: what of a row is hashed, and how. No database here."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from offerhub.audit.models import StaffAction

FIELDS = tuple(f.name for f in StaffAction._meta.concrete_fields if f.name != "digest")


def digest_of(row: StaffAction) -> str:
    """The SHA-256, in hexadecimal, of the canonical JSON of all fields but the digest itself.

    Canonical: keys in order, no spaces, UTF-8, instants in UTC to the microsecond.
    """
    values = {name: _text(getattr(row, name)) for name in FIELDS}
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value


def plain(value: Any) -> Any:
    """The value in what comes back from the database as it went in: no floats, no NULs.

    Anything that JSON does not know becomes its text.
    """
    if isinstance(value, dict):
        return {plain(str(key)): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        each = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [plain(one) for one in each]
    if value is None or isinstance(value, bool) or type(value) is int:
        return value
    return clean(str(_text(value)))


def clean(text: str) -> str:
    """A text that the database takes: without NUL and without halves of characters."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()

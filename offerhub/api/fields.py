"""The kinds of values that bodies and queries hold. Strict: a number is no text, a text no truth.

They read what `offerhub.api.parsing` makes, in which a number is still its text.
"""

import math
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from rest_framework import serializers

from offerhub.api.parsing import RawNumber
from offerhub.core.durations import format_duration, parse_duration
from offerhub.core.errors import InvalidRequest
from offerhub.core.money import SCALE, format_amount, parse_amount

__all__ = [
    "AmountField",
    "BooleanField",
    "ChoiceField",
    "DayOrTimeField",
    "DurationField",
    "EmailField",
    "FileField",
    "IdField",
    "IntegerField",
    "LinkField",
    "ListField",
    "MetadataField",
    "ReferenceField",
    "TextField",
    "TimestampField",
    "UrlField",
]

ListField = serializers.ListField


class FileField(serializers.FileField):
    """A file of an upload. What it may hold is said by the route; an empty one comes through, to
    be refused by name."""

    default_error_messages = {"invalid": "must be a file", "no_name": "must have a name"}

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_empty_file=True, **options)


# Directions that make a text read differently from what it says.
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LINK = re.compile(r"https?://[^\s/?#@:]+(:[0-9]{1,5})?([/?#][^\s]*)?", re.IGNORECASE)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_ZERO = re.compile(r"0(\.0{1,7})?", re.ASCII)
_ALL_ZERO = re.compile(r"\.0{1,20}$", re.ASCII)


def _is_plain(text: str, *, lines: bool) -> bool:
    """Whether a text has no control characters (but for line ends and tabs, when allowed)."""
    if text.isprintable() and not _OVERRIDES.search(text):
        return True
    return not _OVERRIDES.search(text) and not any(
        unicodedata.category(c) in ("Cc", "Cs") and not (lines and c in "\n\r\t") for c in text
    )


class TextField(serializers.CharField):
    """A text of at most `max_length` characters; `lines=True` allows line ends and tabs."""

    default_error_messages = {
        "invalid": "must be a text",
        "control_characters": "must not hold control characters",
    }

    def __init__(self, *, max_length: int, lines: bool = False, **options: Any) -> None:
        self.lines = lines
        super().__init__(max_length=max_length, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if not _is_plain(data, lines=self.lines):
            self.fail("control_characters")
        return super().to_internal_value(data)


class EmailField(serializers.EmailField):
    """An e-mail address."""

    default_error_messages = {"invalid": "must be an e-mail address"}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class LinkField(TextField):
    """An address that begins with https:// or http://, and nothing that a browser would run."""

    default_error_messages = {"invalid_link": "must be an address that begins with https://"}

    def __init__(self, *, max_length: int = 500, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if value and not _LINK.fullmatch(value):
            self.fail("invalid_link")
        return value


class UrlField(TextField):
    """An address that we send to; which ones, `offerhub.core.outbound` says."""


class DayOrTimeField(TextField):
    """A day such as `2026-10-01`, or a time with its offset; who reads it knows the zone."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=40, **options)


class IdField(TextField):
    """One of our ids, or a name that the marketplace chose, such as a milestone's `m1`."""

    def __init__(self, *, max_length: int = 64, **options: Any) -> None:
        super().__init__(max_length=max_length, trim_whitespace=False, **options)

    default_error_messages = {"spaces": "must not begin or end with a space"}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if value != value.strip():
            self.fail("spaces")
        return value


class ReferenceField(IdField):
    """A user: our id (`usr_…`) or the marketplace's own (`externalId`)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=128, **options)


class AmountField(serializers.Field[int, Any, str, Any]):
    """An amount as JSON number or decimal text; stroops inside, decimal text outside.

    `zero=True` is for shares of a whole, of which one may be nothing.
    """

    default_error_messages = {"invalid_amount": 'must be an amount such as 500 or "12.34"'}

    def __init__(self, *, places: int = SCALE, zero: bool = False, **options: Any) -> None:
        self.places, self.zero = places, zero
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, RawNumber | str):
            self.fail("invalid_amount")
        if self.zero and _ZERO.fullmatch(str(data)):
            return 0
        try:
            return parse_amount(str(data), places=self.places)
        except InvalidRequest as refusal:
            (error,) = refusal.errors
            raise serializers.ValidationError(error.message, code=error.code) from None

    def to_representation(self, value: int) -> str:
        return format_amount(value)


class IntegerField(serializers.Field[int, Any, int, Any]):
    """A whole number from `min_value` to `max_value`. In a query it is a text."""

    default_error_messages = {
        "invalid_integer": "must be a whole number",
        "out_of_range": "must be from {least} to {most}",
    }

    def __init__(self, *, min_value: int, max_value: int, **options: Any) -> None:
        self.min_value, self.max_value = min_value, max_value
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        from_query = getattr(self.root, "is_query", False) and isinstance(data, str)
        text = _ALL_ZERO.sub("", str(data))  # to JSON Schema 5.0 is a whole number too
        if not (isinstance(data, RawNumber) or from_query) or not _INTEGER.fullmatch(text):
            self.fail("invalid_integer")
        value = int(text)
        if not self.min_value <= value <= self.max_value:
            self.fail("out_of_range", least=self.min_value, most=self.max_value)
        return value

    def to_representation(self, value: int) -> int:
        return value


class BooleanField(serializers.BooleanField):
    """`true` or `false`, and nothing that merely looks like it."""

    default_error_messages = {"invalid": "must be true or false"}

    def to_internal_value(self, data: Any) -> bool:
        if getattr(self.root, "is_query", False) and data in ("true", "false"):
            return bool(data == "true")
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class ChoiceField(serializers.ChoiceField):
    """One of some words."""

    default_error_messages = {"invalid_choice": "must be one of {names}"}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", names=", ".join(str(name) for name in self.choices))
        return data


class TimestampField(serializers.Field[datetime, Any, datetime, Any]):
    """An instant as RFC 3339 with its offset, such as `2026-03-01T12:00:00Z`."""

    default_error_messages = {
        "invalid_time": "must be a time with its offset, such as 2026-03-01T12:00:00Z"
    }

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or len(data) > 40:
            self.fail("invalid_time")
        try:
            value = datetime.fromisoformat(data)
            if value.tzinfo is None:
                self.fail("invalid_time")
            return value.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid_time")

    def to_representation(self, value: datetime) -> datetime:
        return value


class DurationField(serializers.Field[timedelta, Any, str, Any]):
    """A length of time as ISO 8601 writes it, such as `P7D` or `PT1H`, within limits."""

    default_error_messages = {
        "invalid_duration": "must be a duration in weeks, days, hours or minutes, such as P7D",
        "out_of_range": "must be from {least} to {most}",
    }

    def __init__(self, *, least: timedelta, most: timedelta, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> timedelta:
        try:
            value = parse_duration(data if isinstance(data, str) else "")
        except ValueError:
            self.fail("invalid_duration")
        if not self.least <= value <= self.most:
            least, most = format_duration(self.least), format_duration(self.most)
            self.fail("out_of_range", least=least, most=most)
        return value

    def to_representation(self, value: timedelta) -> str:
        return format_duration(value)


class MetadataField(serializers.Field[dict[str, Any], Any, dict[str, Any], Any]):
    """An object of the marketplace's own; we keep it and give it back, and never look inside."""

    KEYS, KEY_LENGTH, BYTES = 50, 64, 16 * 1024

    default_error_messages = {
        "invalid": "must be an object",
        "too_many_keys": f"takes at most {KEYS} keys",
        "key_too_long": f"takes keys of 1 to {KEY_LENGTH} characters",
        "too_large": "takes at most 16 kB",
        "number_out_of_range": "holds a number that JSON readers do not agree on; send it as text",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        if len(data) > self.KEYS:
            self.fail("too_many_keys")
        if not all(1 <= len(key) <= self.KEY_LENGTH for key in data):
            self.fail("key_too_long")
        value: dict[str, Any] = self._plain(data)
        if len(orjson.dumps(value)) > self.BYTES:
            self.fail("too_large")
        return value

    def _plain(self, value: Any) -> Any:
        """The same with ordinary numbers, when they survive the change."""
        if isinstance(value, RawNumber):
            return self._number(value.text)
        if isinstance(value, dict):
            return {key: self._plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        return value

    def _number(self, text: str) -> int | float:
        if _INTEGER.fullmatch(text) and abs(int(text)) < 2**63:
            return int(text)
        number = float(text) if len(text) <= 64 else math.inf
        # The database has one kind of number: a large one comes back whole, whatever its form was.
        if not abs(number) < 2**63 or text.lstrip("-").isdecimal():
            self.fail("number_out_of_range")
        return number

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return value

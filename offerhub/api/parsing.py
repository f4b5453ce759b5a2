"""Reading a request's body: strict JSON, in which numbers keep the text that was sent.

A number becomes a `RawNumber`, so that an amount reaches `offerhub.core.money` digit by digit and
never passes through a binary float. Refused, each by name: not UTF-8, not JSON, not an object,
the same key twice, NaN and Infinity, a NUL in a text (PostgreSQL has none), nesting over 20, more
than 1 MB.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser

from offerhub.api.refusals import LengthRequired, NotReadable
from offerhub.core.errors import Malformed, PayloadTooLarge, UnsupportedMediaType

DEPTH = 20


@dataclass(frozen=True, slots=True)
class RawNumber:
    """A JSON number as it was written, `500`, `12.34` or `1e3`. Not a text, not yet a number."""

    text: str

    def __str__(self) -> str:
        return self.text


class JsonParser(BaseParser):
    """The only parser of bodies that are not uploads."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The object that was sent; raises Malformed or PayloadTooLarge."""
        meta = parser_context["request"].META if parser_context else {}
        if meta.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
            raise UnsupportedMediaType("The body must not be compressed")
        return parse_json(read_limited(stream, meta.get("CONTENT_LENGTH")))


def read_limited(stream: IO[Any], announced: str | None = None) -> bytes:
    """The body, when it is not larger than allowed. What is announced too large is not read."""
    limit: int = settings.API_BODY_LIMIT
    if announced and announced.isdecimal() and int(announced[:20]) > limit:
        raise PayloadTooLarge(limit=limit)
    body: bytes = stream.read(limit + 1)
    if len(body) > limit:
        raise PayloadTooLarge(limit=limit)
    return body


def parse_json(body: bytes) -> dict[str, Any]:
    """The JSON object in these bytes, numbers as RawNumber; raises Malformed."""
    try:
        text = body.decode("utf-8")
        value = _decoder.decode(text)
    except UnicodeDecodeError:
        raise Malformed("The body is not valid UTF-8") from None
    except json.JSONDecodeError as error:
        at = f"line {error.lineno} column {error.colno}"
        raise NotReadable(f"The body is not valid JSON: {error.msg} at {at}") from None
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(value, dict):
        raise Malformed("The body must be a JSON object")
    _check(value, 1)
    return value


def _too_deep() -> Malformed:
    return Malformed(f"The body is nested deeper than {DEPTH} levels")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"The key {twice[:100]!r} occurs twice in one object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise NotReadable(f"The body is not valid JSON: {name} is no JSON number")


def _check(value: Any, depth: int) -> None:
    """Depth, and texts that the database cannot hold."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise Malformed("A text holds half of a surrogate pair")
        if "\x00" in value:
            raise Malformed("A text holds a NUL character")
    elif isinstance(value, dict):
        if depth > DEPTH:
            raise _too_deep()
        for name, item in value.items():
            _check(name, depth)
            _check(item, depth + 1)
    elif isinstance(value, list):
        if depth > DEPTH:
            raise _too_deep()
        for item in value:
            _check(item, depth + 1)


_decoder = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=RawNumber,
    parse_float=RawNumber,
    parse_constant=_no_constant,
)


class UploadParser(MultiPartParser):
    """Files with some fields beside them, for the few routes that take files:
    `parser_classes = [UploadParser]`. The total is bounded before anything is read."""

    LIMIT = 11 * 1024 * 1024

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> "DataAndFiles[Any, Any]":
        """The fields and the files; raises PayloadTooLarge, LengthRequired or Malformed."""
        context = dict(parser_context or {})
        announced = context["request"].META.get("CONTENT_LENGTH", "")
        if not announced.isdecimal():
            raise LengthRequired
        if int(announced[:20]) > self.LIMIT:
            raise PayloadTooLarge(f"The upload is over {self.LIMIT >> 20} MB", limit=self.LIMIT)
        parsed = super().parse(stream, media_type, context)
        for name, values in [*parsed.data.lists(), *parsed.files.lists()]:
            if len(values) > 1 or (name in parsed.data and name in parsed.files):
                raise Malformed(f"{name!r} is there more than once")
        return parsed

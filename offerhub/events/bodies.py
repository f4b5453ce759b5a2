"""An event as the world outside sees it: in the log, in the stream, in a webhook."""

from typing import Any

import orjson

from offerhub.events.catalog import shown
from offerhub.events.models import Event

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def event_body(event: Event) -> dict[str, Any]:
    """`id type version createdAt subject sequence cursor requestId data`."""
    return {
        "id": event.id,
        "type": event.type,
        "version": event.version,
        "createdAt": event.created_at,
        "subject": event.subject,
        "sequence": event.sequence,
        "cursor": cursor_of(event.number),
        "requestId": event.request_id or None,
        "data": shown(event.type, event.payload),
    }


def encoded(event: Event) -> bytes:
    """The same as JSON on one line."""
    return orjson.dumps(event_body(event), option=_OPTIONS)


def cursor_of(number: int | None) -> str:
    """A place in the log as callers keep it: text, so that no reader takes it for a number to
    reckon with."""
    return f"{number or 0:015d}"


def number_of(cursor: str) -> int | None:
    """The other way round; None for what is no cursor."""
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        return None
    return int(cursor)

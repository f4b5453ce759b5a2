"""The answer of `GET /events/stream`, and how it is handed to who can hold it open.

The view has asked for key, scope, limits and filters, as every view does. Under the ASGI server
(`offerhub.asgi`) the answer is then taken over by the event loop and costs no thread. A server that
can not hold it open sends what there is and lets the reader come back.
"""

from dataclasses import dataclass
from typing import Any

from offerhub.api.rendering import Response
from offerhub.api.requests import ApiRequest
from offerhub.core.errors import RateLimited
from offerhub.events import bodies, log
from offerhub.events.models import Event

MEDIA = "text/event-stream"
HANDOVER = "offerhub.handover"  # in the request's environ: who takes streams over
PAGE = 100


@dataclass(frozen=True)
class Wish:
    """What a reader wants: the events of a marketplace after a place, of some types, about one
    subject."""

    marketplace: str
    key: str
    after: int
    types: tuple[str, ...] = ()
    subject: str = ""


def message(event: Event) -> bytes:
    """One event as server-sent events write it."""
    data = bodies.encoded(event)
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (event.id.encode(), event.type.encode(), data)


def alive(place: int) -> bytes:
    """A sign of life, with the place up to which the reader has everything that it wants."""
    return b": still here\nid: %b\n\n" % bodies.cursor_of(place).encode()


def opening(place: int) -> bytes:
    """How a stream begins: when to come back, and from where, should it break off before the first
    event."""
    return b"retry: 1000\nid: %b\n\n" % bodies.cursor_of(place).encode()


def streamed(request: ApiRequest, wish: Wish) -> Response:
    """The answer; its rest is up to who takes it over. Raises RateLimited when a key, or this
    process, has as many streams open as it may."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    handover: Any = request.META.get(HANDOVER)
    if handover is not None:
        if not handover.take(wish):
            raise RateLimited("Too many streams are open", retry_after=10)
        return Response(opening(wish.after), content_type=MEDIA, headers=headers)
    found = log.read(
        wish.marketplace,
        after=wish.after,
        types=wish.types,
        subject=wish.subject,
        limit=PAGE,
    )
    content = opening(wish.after) + b"".join(message(event) for event in found)
    return Response(content, content_type=MEDIA, headers=headers)

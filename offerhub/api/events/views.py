"""The event log: `GET /events`, one event, and the stream."""

from typing import Any

from offerhub.api.docs import describe
from offerhub.api.events.serializers import EventQuery, EventShape, StreamQuery
from offerhub.api.events.streaming import Wish, streamed
from offerhub.api.pagination import limit_of
from offerhub.api.refusals import InvalidCursor
from offerhub.api.requests import ApiRequest
from offerhub.api.views import ApiView, Response, respond
from offerhub.core.errors import FieldError, InvalidRequest, NotFound, RateLimited
from offerhub.events import bodies, catalog, log
from offerhub.events.models import Event


def types_of(text: str) -> list[str]:
    """The types of a filter, with commas between; raises InvalidRequest for an unknown one."""
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    unknown = catalog.unknown_in(wanted)
    if unknown:
        raise InvalidRequest(
            errors=[
                FieldError("types", "unknown_type", f"{name!r} is no type of event")
                for name in unknown
            ]
        )
    return wanted


def place(marketplace_id: str, after: str, field: str) -> int:
    """The place in the log that an event's id or a cursor names; raises InvalidCursor."""
    number = log.place_named(marketplace_id, after)
    if number is None:
        raise InvalidCursor(
            errors=[FieldError(field, "invalid_cursor", "is no event's id or cursor")]
        )
    return number


class Events(ApiView):
    """All that happened, in one order."""

    scopes = {"GET": "events:read"}

    @describe(
        "List events",
        tag="Events",
        query=EventQuery,
        answer=EventShape,
        listed=True,
        refusals=[InvalidCursor],
    )
    def get(self, request: ApiRequest) -> Response:
        """Oldest first, unlike other lists: what came `after` an event (its id or cursor), or from
        the beginning. The order never changes and nothing appears in it later, so whoever asks
        again with the last `nextCursor` misses nothing and sees nothing twice."""
        query, limit = EventQuery.read(request), limit_of(request.query_params)
        name = "after" if "after" in query else "cursor"
        start = query.get(name, "")
        after = place(request.marketplace_id, start, name) if start else 0
        log.number_new()
        found = log.read(
            request.marketplace_id,
            after=after,
            types=types_of(query.get("types", "")),
            subject=query.get("subject", ""),
            limit=limit + 1,
        )
        shown = found[:limit]
        end = shown[-1].number if shown else after
        body: dict[str, Any] = {
            "data": [bodies.event_body(event) for event in shown],
            "hasMore": len(found) > limit,
            "nextCursor": bodies.cursor_of(end) if end else None,
        }
        return respond(body)


class OneEvent(ApiView):
    """One event."""

    scopes = {"GET": "events:read"}

    @describe("Read an event", tag="Events", answer=EventShape, refusals=[NotFound])
    def get(self, request: ApiRequest, event_id: str) -> Response:
        """By its id."""
        log.number_new()
        rows = Event.objects.filter(marketplace_id=request.marketplace_id, id=event_id)
        event = rows.first()
        if event is None:
            raise NotFound(f"There is no event {event_id!r} in this marketplace")
        return respond(bodies.event_body(event))


class EventStream(ApiView):
    """The log as it grows."""

    scopes = {"GET": "events:read"}

    @describe(
        "Follow events",
        tag="Events",
        query=StreamQuery,
        files=["text/event-stream"],
        refusals=[InvalidCursor, RateLimited],
    )
    def get(self, request: ApiRequest) -> Response:
        """Server-sent events: `id` is the event's id, `event` its type, `data` the event. Begins
        behind the event of `Last-Event-ID` (or `after`), without either with what happens from now
        on. A comment every 15 seconds shows that the connection lives; the `id` beside it, like
        that of the beginning, is a cursor to come back with."""
        query = StreamQuery.read(request)
        last = request.META.get("HTTP_LAST_EVENT_ID", "").strip()
        start, name = (last, "Last-Event-ID") if last else (query.get("after", ""), "after")
        log.number_new()
        after = place(request.marketplace_id, start, name) if start else log.end()
        wish = Wish(
            marketplace=request.marketplace_id,
            key=request.principal.key_id,
            after=after,
            types=tuple(types_of(query.get("types", ""))),
            subject=query.get("subject", ""),
        )
        return streamed(request, wish)

"""The catalogue in the OpenAPI document: each type of event as a webhook and as a schema."""

from typing import Any

from offerhub.events.catalog import EventType, catalogue
from offerhub.events.fields import identifier

Json = dict[str, Any]
UNION = "AnyEvent"
_HEADERS = {
    "webhook-id": "The event's id; the same for every try, so that a repeat is known",
    "webhook-timestamp": "When it was sent, in seconds since 1970",
    "webhook-signature": "One `v1,…` for each secret that is valid, as Standard Webhooks says",
}


def name_of(one: EventType) -> str:
    """`order.release_extended` → OrderReleaseExtendedEvent."""
    return "".join(w.capitalize() for w in one.name.replace(".", "_").split("_")) + "Event"


def add_events(document: Json) -> None:
    """Put `webhooks` and the schemas into a document that has events at all."""
    schemas, types = document["components"]["schemas"], catalogue().values()
    if "Event" not in schemas:
        return
    schemas |= {name_of(one): _schema(one) for one in types}
    reference = "#/components/schemas/"
    schemas[UNION] = {
        "description": "Any event; `type` says which.",
        "oneOf": [{"$ref": reference + name_of(one)} for one in types],
        "discriminator": {
            "propertyName": "type",
            "mapping": {one.name: reference + name_of(one) for one in types},
        },
    }
    document["components"].setdefault("parameters", {}).update(
        {
            name: {
                "name": name,
                "in": "header",
                "required": True,
                "description": about,
                "schema": {"type": "string"},
            }
            for name, about in _HEADERS.items()
        }
    )
    document["webhooks"] = {one.name: {"post": _webhook(one)} for one in types}


def _schema(one: EventType) -> Json:
    return {
        "description": f"{one.summary}.",
        "allOf": [
            {"$ref": "#/components/schemas/Event"},
            {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "const": one.name},
                    "version": {"type": "integer", "const": one.version},
                    "data": one.schema,
                },
                "required": ["type", "version", "data"],
            },
        ],
    }


def example_of(one: EventType) -> Json:
    """Such an event."""
    return {
        "id": identifier("evt").example,
        "type": one.name,
        "version": one.version,
        "createdAt": "2026-03-01T12:00:00.000Z",
        "subject": identifier(one.subject).example,
        "sequence": 3,
        "cursor": "000000000000042",
        "requestId": "req_4f1d0c2b9a8e7d6c5b4a3f2e",
        "data": one.example,
    }


def _webhook(one: EventType) -> Json:
    return {
        "operationId": f"webhooks.{one.name}",
        "summary": one.summary,
        "tags": ["Webhooks"],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _HEADERS],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{name_of(one)}"},
                    "example": example_of(one),
                }
            },
        },
        "responses": {
            "2XX": {"description": "Taken; anything else is tried again, 410 ends the endpoint"}
        },
    }

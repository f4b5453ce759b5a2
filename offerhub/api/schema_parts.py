"""Parts of the OpenAPI document that every route shares."""

from collections.abc import Sequence
from typing import Any

from offerhub.core.errors import Refusal

Json = dict[str, Any]

PROBLEM_SCHEMA: Json = {
    "type": "object",
    "description": "A refusal, RFC 9457. Scripts switch on `code`; some codes add members.",
    "required": ["type", "title", "status", "code", "detail", "requestId"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "requestId": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string", "examples": ["milestones.1.amount"]},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
    "additionalProperties": True,
}


def _header(description: str) -> Json:
    return {"description": description, "schema": {"type": "string"}}


RESPONSE_HEADERS: Json = {
    "X-Request-Id": _header("The id of this request, the caller's own when it sent one"),
    "RateLimit": _header("What is left of the limit: `r` calls, all back in `t` seconds"),
    "RateLimit-Policy": _header("The limit: `q` calls in `w` seconds"),
    "Retry-After": _header("Seconds after which trying again makes sense, when it does"),
}


def _parameter(name: str, description: str, **schema: Any) -> Json:
    return {
        "name": name,
        "in": "header",
        "description": description,
        "schema": {"type": "string", **schema},
    }


REQUEST_HEADERS: Json = {
    "X-Request-Id": _parameter(
        "X-Request-Id",
        "Comes back in the answer and is in every log line and event; made when absent.",
    ),
    "Idempotency-Key": _parameter(
        "Idempotency-Key",
        "Any text; the same key with the same body has one effect and one answer, for 30 days.",
        minLength=1,
        maxLength=255,
        pattern="^[^\\u0000-\\u001f\\u007f]+$",
    ),
    "Prefer": _parameter(
        "Prefer",
        "How long to wait for the outcome: `wait=N` (seconds, at most 30), `respond-async`.",
    ),
}


def problem_examples(refusals: Sequence[type[Refusal]]) -> Json:
    """An example of each refusal, by its code."""
    return {
        refusal.code: {
            "value": {
                "type": f"/api/v1/docs#{refusal.code}",
                "title": refusal.title,
                "status": refusal.status,
                "code": refusal.code,
                "detail": refusal.title,
                "requestId": "req_4f1d0c2b9a8e7d6c5b4a3f2e",
            }
        }
        for refusal in refusals
    }

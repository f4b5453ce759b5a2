"""The OpenAPI 3.1 document, made from the routes themselves: what a handler says of itself
(`docs.describe`), what its view says of scopes, and what the kernel gives every route."""

# drf-spectacular is typed in parts only.
# mypy: allow-untyped-calls

import inspect
from collections import defaultdict
from functools import cache
from typing import Any, Literal

import uritemplate
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.settings import patched_settings

from offerhub.api import schema_fields  # noqa: F401  (its extensions register themselves)
from offerhub.api.docs import Description, description_of
from offerhub.api.events.documented import add_events
from offerhub.api.pagination import DEFAULT_LIMIT, MOST
from offerhub.api.permissions import ANY_KEY, PUBLIC
from offerhub.api.refusals import KEY_REFUSALS, Internal, InvalidIdempotencyKey, ScopeMissing
from offerhub.api.rendering import JSON, PROBLEM
from offerhub.api.routes import camel_path
from offerhub.api.schema_parts import (
    PROBLEM_SCHEMA,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    problem_examples,
)
from offerhub.api.serializers import camel
from offerhub.core import errors
from offerhub.core.errors import Refusal

Json = dict[str, Any]
Direction = Literal["request", "response"]
SCHEME = "apiKey"
_names: dict[str, type] = {}


class KeyScheme(OpenApiAuthenticationExtension):
    """How a key is sent."""

    target_class = "offerhub.api.authentication.ApiKeyAuthentication"
    name = SCHEME

    def get_security_definition(self, auto_schema: Any) -> Json:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "ohk_{test|live}_{prefix}_{secret}",
            "description": "An API key of the marketplace. Each route names the scope it needs.",
        }


class Schema(AutoSchema):
    """One operation of the document."""

    @property
    def described(self) -> Description:
        """What the handler says; a route that says nothing is shown by its path."""
        return description_of(self.view, self.method) or Description(f"{self.method} {self.path}")

    @property
    def scope(self) -> str | None:
        view: Any = self.view
        found: str | None = view.scopes.get(self.method)
        return found

    def get_operation_id(self) -> str:
        """`orders.create`, `orders.get`, `orders.reserve`: the names that the SDKs use."""
        parts = [p for p in self.path.removeprefix("/api/v1/").split("/") if p]
        resource, *rest = [camel(p.replace("-", "_")) for p in parts if "{" not in p]
        if self.method in ("PATCH", "PUT"):
            rest = [*rest, "update"]
        elif self.method == "DELETE":
            rest = [*rest, "delete"]
        elif self.method == "POST" and (not rest or hasattr(self.view, "get")):
            rest = [*rest, "create"]
        elif self.method == "GET" and not rest:
            rest = ["list" if self.described.listed else "get"]
        elif self.method == "GET" and "{" in parts[-1]:
            rest = [*rest, "get"]
        return ".".join([resource, *rest])

    def get_tags(self) -> list[str]:
        first = self.path.removeprefix("/api/v1/").split("/")[0]
        return [self.described.tag or first.replace("-", " ").capitalize()]

    def get_summary(self) -> str:
        return self.described.summary

    def get_description(self) -> str:  # type: ignore[override]
        handler = getattr(self.view, self.method.lower())
        parts = [self.described.text or inspect.getdoc(handler) or ""]
        if self.scope not in (None, PUBLIC, ANY_KEY):
            parts.append(f"Needs the scope `{self.scope}`.")
        return "\n\n".join(part for part in parts if part)

    def get_auth(self) -> list[Json]:
        """The scheme and, as OpenAPI 3.1 allows, the scope that the key must have."""
        if self.scope == PUBLIC:
            return []
        super().get_auth()  # registers the scheme
        return [{SCHEME: [] if self.scope in (None, ANY_KEY) else [self.scope]}]

    def get_request_serializer(self) -> Any:
        return self.described.body

    def _get_request_body(self, direction: str = "request") -> Json | None:
        if self.described.body is None:
            return None
        body: Json | None = super()._get_request_body(direction)
        if body is not None and self.described.examples:
            for content in body["content"].values():
                content["examples"] = {
                    name: {"value": value} for name, value in self.described.examples.items()
                }
        return body

    def _get_parameters(self) -> list[Json]:
        found: list[Json] = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "minLength": 1},
            }
            for name in uritemplate.variables(self.path)
        ]
        found += self._query_parameters()
        headers = ["X-Request-Id"]
        if self.method == "POST":
            headers.append("Idempotency-Key")
        if self.described.waits:
            headers.append("Prefer")
        kind = ResolvedComponent.PARAMETER
        return found + [self._component(h, kind, REQUEST_HEADERS[h]) for h in headers]

    def _query_parameters(self) -> list[Json]:
        found: list[Json] = []
        if self.described.query is not None:
            mapped = self._map_serializer(self.described.query, "request")
            for name, schema in mapped["properties"].items():
                required = name in mapped.get("required", [])
                found.append({"name": name, "in": "query", "schema": schema, "required": required})
        if self.described.listed:
            limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT}
            found.append({"name": "limit", "in": "query", "schema": limit})
            text = {"type": "string", "pattern": "^[A-Za-z0-9_-]*$"}  # empty: the first page
            found.append({"name": "cursor", "in": "query", "schema": text})
        return found

    def _get_response_bodies(self, direction: str = "response") -> Json:
        described = self.described
        schema = self._answer_schema()
        content = {"content": {JSON: {"schema": schema}}} if schema else {}
        if described.files:
            content = {"content": {media: {} for media in described.files}}
        final = "The state as it is now"
        responses: Json = {str(described.status): {"description": final, **content}}
        if described.finds:
            responses["200"] = {"description": "It was there already", **content}
        if described.waits:
            responses["202"] = {"description": "Still on its way; ask again later", **content}
        for response in responses.values():
            response["headers"] = self._headers("X-Request-Id", "RateLimit", "RateLimit-Policy")
        return responses | self._problems()

    def _answer_schema(self) -> Json | None:
        if self.described.answer is None:
            return None
        component = self.resolve_serializer(self.described.answer, "response")
        if not self.described.listed:
            ref: Json = component.ref
            return ref
        page = {
            "type": "object",
            "required": ["data", "hasMore", "nextCursor"],
            "properties": {
                "data": {"type": "array", "items": component.ref},
                "hasMore": {"type": "boolean"},
                "nextCursor": {"type": ["string", "null"]},
            },
        }
        return self._component(f"{component.name}Page", ResolvedComponent.SCHEMA, page)

    def _problems(self) -> Json:
        """A response for every status with which the route can refuse."""
        by_status: dict[int, list[type[Refusal]]] = defaultdict(list)
        for refusal in [*self._usual_refusals(), *self.described.refusals]:
            if refusal not in by_status[refusal.status]:
                by_status[refusal.status].append(refusal)
        return {str(s): self._problem(refusals) for s, refusals in sorted(by_status.items())}

    def _problem(self, refusals: list[type[Refusal]]) -> Json:
        schema = self._component("Problem", ResolvedComponent.SCHEMA, PROBLEM_SCHEMA)
        retried = any(refusal.status in (409, 429, 503) for refusal in refusals)
        response = {
            "description": ", ".join(f"`{refusal.code}`" for refusal in refusals),
            "headers": self._headers("X-Request-Id", *(["Retry-After"] if retried else [])),
            "content": {PROBLEM: {"schema": schema, "examples": problem_examples(refusals)}},
        }
        name = "Or".join(refusal.__name__ for refusal in refusals)
        if refusals == KEY_REFUSALS:
            name = errors.Unauthenticated.__name__
        return self._component(name, ResolvedComponent.RESPONSE, response)

    def _headers(self, *names: str) -> Json:
        kind = ResolvedComponent.HEADER
        return {name: self._component(name, kind, RESPONSE_HEADERS[name]) for name in names}

    def _usual_refusals(self) -> list[type[Refusal]]:
        described = self.described
        found: list[type[Refusal]] = [Internal, errors.Unavailable]
        if self.scope != PUBLIC:
            found += [*KEY_REFUSALS, ScopeMissing, errors.RateLimited]
        if "{" in self.path:
            found.append(errors.NotFound)
        if described.body is not None or described.query is not None or described.listed:
            found.append(errors.InvalidRequest)
        if described.body is not None:
            found.append(errors.Malformed)
            found += [errors.PayloadTooLarge, errors.UnsupportedMediaType]
        if self.method == "POST":
            found += [InvalidIdempotencyKey]
            found += [errors.RequestInProgress, errors.IdempotencyKeyReused]
        return found

    def _component(self, name: str, kind: str, schema: Json) -> Json:
        component = ResolvedComponent(name=name, type=kind, schema=schema, object=name)
        self.registry.register_on_missing(component)
        ref: Json = component.ref
        return ref

    def get_serializer_name(self, serializer: Any, direction: str) -> str:
        """The class's name; of two classes with one name the second is told apart by its app."""
        kind = type(serializer)
        name = kind.__name__.removesuffix("Shape")
        if _names.setdefault(name, kind) is kind:
            return name
        return f"{kind.__module__.split('.')[-2].capitalize()}{name}"

    def _unwrap_list_serializer(self, serializer: Any, direction: Direction) -> Json | None:
        schema: Json | None = super()._unwrap_list_serializer(serializer, direction)
        least = not getattr(serializer, "allow_empty", True)
        return schema | {"minItems": 1} if schema and least else schema

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Json:
        schema: Json = super()._map_basic_serializer(serializer, direction)
        kind = serializer if isinstance(serializer, type) else type(serializer)
        schema.pop("description", None)
        about: str = kind.__dict__.get("__doc__") or ""  # its own, not the base's
        if about:
            schema["description"] = " ".join(about.split())
        if direction == "request":
            schema["additionalProperties"] = False
        return schema


class Generator(SchemaGenerator):
    """Names the variables of paths as all other names."""

    def coerce_path(self, path: str, method: str, view: Any) -> str:
        return camel_path(path)


@cache
def build() -> Json:
    """The whole document. The same for everybody, so it is made once in a process."""
    with patched_settings({"POSTPROCESSING_HOOKS": []}):
        document: Json = Generator().get_schema(request=None, public=True)
    cleaned: Json = _without_marks(document)
    add_events(cleaned)
    return cleaned


def _without_marks(value: Any) -> Any:
    """The document without the generator's own notes."""
    if isinstance(value, dict):
        return {k: _without_marks(v) for k, v in value.items() if k != "x-spec-enum-id"}
    if isinstance(value, list):
        return [_without_marks(item) for item in value]
    return value

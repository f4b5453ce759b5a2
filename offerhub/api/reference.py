"""The OpenAPI document as a page for people: the same facts, arranged for a template."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from offerhub.api.refusals import KEY_REFUSALS
from offerhub.core.errors import Refusal

Json = dict[str, Any]
METHODS = ("get", "post", "patch", "put", "delete")


@dataclass(frozen=True)
class Row:
    """A field of a body or an answer, or a parameter."""

    name: str
    kind: str
    required: bool
    about: str


@dataclass(frozen=True)
class Answer:
    """One status that a route answers with; `codes` are refusals."""

    status: str
    about: str
    codes: list[str]


@dataclass(frozen=True)
class Operation:
    """One method of one route."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    scope: str
    parameters: list[Row]
    body: list[Row]
    example: str
    answer: list[Row]
    answers: list[Answer]


class Reader:
    """Reads one document."""

    def __init__(self, document: Json) -> None:
        self.document = document

    def by_tag(self) -> dict[str, list[Operation]]:
        """All operations under their tags, in the order of their paths."""
        found: dict[str, list[Operation]] = {}
        for path, methods in self.document["paths"].items():
            for method in METHODS:
                if method in methods:
                    operation = methods[method]
                    made = self._operation(path, method, operation)
                    found.setdefault(operation["tags"][0], []).append(made)
        return found

    def _operation(self, path: str, method: str, operation: Json) -> Operation:
        request = operation.get("requestBody", {}).get("content", {})
        content: Json = next(iter(request.values()), {})
        success = next(c for c in operation["responses"] if c.startswith("2"))
        answer = self._schema_of(operation["responses"][success])
        scopes = [s for need in operation.get("security", []) for s in next(iter(need.values()))]
        return Operation(
            id=operation["operationId"],
            method=method.upper(),
            path=path,
            summary=operation["summary"],
            about=_about(operation),
            scope=scopes[0] if scopes else "",
            parameters=[self._parameter(p) for p in operation.get("parameters", [])],
            body=list(self._rows(content.get("schema", {}))),
            example=self._example(content),
            answer=list(self._rows(answer)),
            answers=[self._answer(c, r) for c, r in operation["responses"].items()],
        )

    def _parameter(self, parameter: Json) -> Row:
        parameter = self._resolved(parameter)
        kind = f"{parameter['in']}, {self._kind(parameter['schema'])}"
        about = parameter.get("description", "")
        return Row(parameter["name"], kind, parameter.get("required", False), about)

    def _answer(self, status: str, response: Json) -> Answer:
        response = self._resolved(response)
        if status < "300":
            return Answer(status, response["description"], [])
        examples: Json = next(iter(response["content"].values())).get("examples", {})
        return Answer(status, "", list(examples))

    def _schema_of(self, response: Json) -> Json:
        content: Json = self._resolved(response).get("content", {})
        described: Json = next(iter(content.values()), {})
        schema: Json = described.get("schema", {})
        return schema

    def _rows(self, schema: Json, path: str = "", depth: int = 0) -> Iterator[Row]:
        """The fields of an object, nested ones with dotted names."""
        schema = self._object_in(schema)
        for name, inner in schema.get("properties", {}).items():
            full = f"{path}{name}"
            required = name in schema.get("required", [])
            resolved = self._resolved(inner)
            about = resolved.get("description", "")
            if "enum" in resolved:
                about = ", ".join(str(word) for word in resolved["enum"] if word is not None)
            yield Row(full, self._kind(inner), required, about)
            if depth < 3:
                mark = "[]." if "items" in resolved else "."
                yield from self._rows(inner, full + mark, depth + 1)

    def _object_in(self, schema: Json) -> Json:
        """The object that a schema is, holds as items, or is one of."""
        schema = self._resolved(schema)
        if "items" in schema:
            return self._object_in(schema["items"])
        for choice in schema.get("oneOf", []):
            found = self._object_in(choice)
            if "properties" in found:
                return found
        return schema

    def _kind(self, schema: Json) -> str:
        schema = self._resolved(schema)
        if "oneOf" in schema:
            return " or ".join(dict.fromkeys(self._kind(choice) for choice in schema["oneOf"]))
        kind = schema.get("type", "any")
        words = [str(word) for word in (kind if isinstance(kind, list) else [kind])]
        if "items" in schema:
            words = [f"list of {self._kind(schema['items'])}"]
        return " or ".join(words)

    def _resolved(self, part: Json) -> Json:
        while "$ref" in part:
            found: Any = self.document
            for step in part["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            part = found
        return part

    def _example(self, content: Json) -> str:
        if not content:
            return ""
        examples = list(content.get("examples", {}).values())
        value = examples[0]["value"] if examples else self._sample(content["schema"])
        return json.dumps(value, indent=2, ensure_ascii=False)

    def _sample(self, schema: Json) -> Any:
        """Something that the schema allows, for a body to start from."""
        schema = self._resolved(schema)
        for key in ("default", "const"):
            if key in schema:
                return schema[key]
        for key in ("examples", "enum"):
            if schema.get(key):
                return schema[key][0]
        if "oneOf" in schema:
            return self._sample(schema["oneOf"][0])
        kind = schema.get("type")
        if kind == "object":
            required = schema.get("required", [])
            names = [n for n in schema.get("properties", {}) if n in required]
            return {name: self._sample(schema["properties"][name]) for name in names}
        if kind == "array":
            return [self._sample(schema["items"])]
        return {"integer": schema.get("minimum", 1), "number": 1, "boolean": True}.get(
            str(kind), "text"
        )


def _about(operation: Json) -> str:
    """What is said of it, without the scope: that has its own place on the page."""
    parts = operation.get("description", "").split("\n\n")
    return "\n\n".join(part for part in parts if not part.startswith("Needs the scope"))


def all_refusals() -> list[type[Refusal]]:
    """Every refusal that the program knows, by status and code."""
    found: dict[str, type[Refusal]] = {kind.code: kind for kind in KEY_REFUSALS}
    queue: list[type[Refusal]] = list(Refusal.__subclasses__())
    while queue:
        kind = queue.pop()
        found.setdefault(kind.code, kind)
        queue.extend(kind.__subclasses__())
    return sorted(found.values(), key=lambda kind: (kind.status, kind.code))

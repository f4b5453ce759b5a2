"""The kinds of values that an event's data holds, each with its JSON Schema and an example.

Amounts are decimal text, ids and times are text: every JSON reader agrees on them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """One member of the data. A `private` one is kept for staff and never leaves the house."""

    schema: Json
    example: Any
    required: bool = True
    private: bool = False


def optional(field: Field) -> Field:
    """The same, which may be absent."""
    return replace(field, required=False)


def nullable(field: Field) -> Field:
    """The same, which may be null."""
    if "enum" in field.schema:
        return replace(field, schema={"enum": [*field.schema["enum"], None]})
    return replace(field, schema=field.schema | {"type": [field.schema["type"], "null"]})


def private(field: Field) -> Field:
    """The same, for staff alone."""
    return replace(field, private=True)


def identifier(prefix: str) -> Field:
    """One of our ids."""
    example = f"{prefix}_01k9v3c0m8f4v9x2n6q7r5t1ab"
    return Field({"type": "string", "pattern": f"^{prefix}_[0-9a-z]{{1,26}}$"}, example)


def text(example: str) -> Field:
    """Any text."""
    return Field({"type": "string"}, example)


def one_of(words: Iterable[Any]) -> Field:
    """One of these words; the first is the example."""
    names = [str(word) for word in words]
    return Field({"enum": names}, names[0])


def listed(field: Field) -> Field:
    """A list of such values."""
    return Field({"type": "array", "items": field.schema}, [field.example])


def record(**members: Field) -> Field:
    """An object with exactly these members."""
    return Field(schema_of(members), example_of(members))


def schema_of(members: dict[str, Field]) -> Json:
    """The JSON Schema of an object with these members and no other."""
    return {
        "type": "object",
        "properties": {name: field.schema for name, field in members.items()},
        "required": [name for name, field in members.items() if field.required],
        "additionalProperties": False,
    }


def example_of(members: dict[str, Field]) -> Json:
    """Such an object."""
    return {name: field.example for name, field in members.items()}


AMOUNT = Field({"type": "string", "pattern": r"^(0|[1-9]\d*)\.\d{2,7}$"}, "200.00")
SIGNED = Field(AMOUNT.schema | {"pattern": r"^-?(0|[1-9]\d*)\.\d{2,7}$"}, "-0.50")
WHOLE = Field({"type": "integer", "minimum": 0}, 1)
TIME = Field({"type": "string", "format": "date-time"}, "2026-03-01T12:00:00.000+00:00")
DAY = Field({"type": "string", "format": "date"}, "2026-03-01")
HASH = Field({"type": "string", "pattern": "^([0-9a-f]{64})?$"}, "3f" * 32)
ADDRESS = Field({"type": "string"}, "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ")
LEDGER = Field({"type": "integer", "minimum": 1}, 52_113_097)
FLAG = Field({"type": "boolean"}, True)
CODE = text("tx_insufficient_balance")
DETAIL = text("The account does not hold enough")
FREE = Field({"type": "object"}, {})

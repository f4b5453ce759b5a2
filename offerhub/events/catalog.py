"""The catalogue: every type of event that the product writes, and what its data holds.

Each app says which types are its own in a file `event_types.py`:

    declare("order.reserved", "The buyer's money is set aside", "ord", status=STATUS)

A type's data never changes under the same `version`: members may be added, none is renamed or
removed. While `settings.EVENTS_STRICT` (the tests) holds, writing an event that is not exactly as
declared here raises `NotInCatalogue`; an installation writes it all the same, because money does
not stand still for a missing line, and shows what is declared of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from django.conf import settings
from django.utils.module_loading import autodiscover_modules

from offerhub.events.fields import Field, Json, example_of, schema_of


class NotInCatalogue(Exception):
    """An event of an unknown type, or with other data than its type has: a defect."""


@dataclass(frozen=True)
class EventType:
    """One type of event. `subject` is the prefix of the ids that it is about."""

    name: str
    summary: str
    subject: str
    fields: Mapping[str, Field]
    version: int = 1

    @property
    def area(self) -> str:
        """The first word: `order` of `order.created`."""
        return self.name.partition(".")[0]

    @cached_property
    def public(self) -> dict[str, Field]:
        """What of the data leaves the house."""
        return {name: field for name, field in self.fields.items() if not field.private}

    @property
    def columns(self) -> list[tuple[str, Field]]:
        """The same as pairs: a template would take a field called `items` for the method."""
        return list(self.public.items())

    @property
    def schema(self) -> Json:
        """JSON Schema of the data as consumers see it."""
        return schema_of(self.public)

    @property
    def example(self) -> Json:
        """Such data."""
        return example_of(self.public)


_types: dict[str, EventType] = {}


def declare(
    name: str, summary: str, subject: str, version: int = 1, /, **fields: Field
) -> EventType:
    """Put a type into the catalogue. Once each; `event_types.py` files alone call this.

    `subject` is the prefix of the ids that it is about, `fields` what its data holds.
    """
    if name in _types:
        raise ValueError(f"{name} is declared twice")
    _types[name] = EventType(name, summary, subject, fields, version)
    return _types[name]


@cache
def catalogue() -> Mapping[str, EventType]:
    """All types by name, in the order of the alphabet, gathered from all installed apps."""
    autodiscover_modules("event_types")
    return dict(sorted(_types.items()))


def areas() -> list[str]:
    """The first words of all types."""
    return sorted({one.area for one in catalogue().values()})


def matches(wanted: Sequence[str], name: str) -> bool:
    """Whether a filter of names (`order.created`) and areas (`order.*`) wants this type; an empty
    one wants all."""
    return not wanted or name in wanted or f"{name.partition('.')[0]}.*" in wanted


def unknown_in(wanted: Sequence[str]) -> list[str]:
    """The names of a filter that no type could meet."""
    known = {*catalogue(), *(f"{area}.*" for area in areas())}
    return [name for name in wanted if name not in known]


def version_of(name: str) -> int:
    """The version of the data that is written now."""
    known = catalogue().get(name)
    return known.version if known else 1


def shown(name: str, payload: Mapping[str, Any]) -> Json:
    """The part of an event's payload that consumers see."""
    known = catalogue().get(name)
    if known is None:
        return {}
    return {member: payload[member] for member in known.public if member in payload}


def check(name: str, subject: str, payload: Mapping[str, Any]) -> None:
    """Where the settings are strict: raise NotInCatalogue unless the event is as declared."""
    if settings.EVENTS_STRICT:
        complaint = complaint_about(name, subject, payload)
        if complaint:
            raise NotInCatalogue(f"{name}: {complaint}")


def complaint_about(name: str, subject: str, payload: Mapping[str, Any]) -> str:
    """How an event differs from the catalogue; empty when it does not."""
    known = catalogue().get(name)
    if known is None:
        return "is not declared; add it to the event_types.py of the app that writes it"
    if not subject.startswith(f"{known.subject}_"):
        return f"is about {known.subject}_…, not about {subject}"
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    validator = Draft202012Validator(schema_of(dict(known.fields)))
    errors = sorted(validator.iter_errors(dict(payload)), key=str)
    return "; ".join(f"{error.json_path}: {error.message}" for error in errors)

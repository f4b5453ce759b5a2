"""How the kernel's own fields read in the OpenAPI document. A pattern says exactly what is taken,
so that a generated client or a fuzzer agrees with the server."""

# drf-spectacular is typed in parts only.
# mypy: allow-untyped-calls

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension

from offerhub.api.fields import MetadataField, ReferenceField
from offerhub.core.durations import format_duration
from offerhub.core.money import SCALE

Json = dict[str, Any]

_CONTROL = "\\u0000-\\u001f\\u007f-\\u009f"
_CONTROL_BUT_LINES = "\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f"
_OVERRIDES = "\\u202a-\\u202e\\u2066-\\u2069"


DURATION = r"^P(?=.)([0-9]{1,3}W|([0-9]{1,5}D)?(T(?=.)([0-9]{1,5}H)?([0-9]{1,6}M)?)?)$"
DAY_OR_TIME = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    "(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2}))?$"
)
_SCHEME = "[Hh][Tt][Tt][Pp][Ss]?://"
LINK = (
    rf"^{_SCHEME}[^\s/?#@:{_CONTROL}{_OVERRIDES}]+(:[0-9]{{1,5}})?"
    rf"([/?#][^\s{_CONTROL}{_OVERRIDES}]*)?$"
)


def amount_text(places: int = SCALE) -> str:
    """The pattern of an amount above zero as decimal text."""
    return rf"^(?=.*[1-9])(0|[1-9][0-9]{{0,11}})(\.[0-9]{{1,{places}}}0{{0,{SCALE - places}}})?$"


class AmountSchema(OpenApiSerializerFieldExtension):
    """Taken as text or number, answered as text."""

    target_class = "offerhub.api.fields.AmountField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Json:
        if direction == "response":
            return {
                "type": "string",
                "pattern": rf"^-?(0|[1-9][0-9]*)\.[0-9]{{2,{SCALE}}}$",
                "examples": ["200.00"],
            }
        places: int = self.target.places
        return {
            "oneOf": [
                {"type": "string", "pattern": amount_text(places), "maxLength": 64},
                {
                    "type": "number",
                    "exclusiveMinimum": 0,
                    "maximum": 922337203685,
                    "multipleOf": float(f"1e-{places}"),
                },
            ],
            "examples": ["200.00", 200],
        }


class TextSchema(OpenApiSerializerFieldExtension):
    """Texts say which characters they take. Surrounding spaces do not count as text."""

    target_class = "offerhub.api.fields.TextField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Json:
        schema: Json = auto_schema._map_serializer_field(
            self.target, direction, bypass_extensions=True
        )
        schema["type"] = "string"  # whether it may be null is added once, by the caller
        if direction == "request":
            schema["pattern"] = self._pattern()
            if isinstance(self.target, ReferenceField):
                schema["examples"] = ["client_123"]
        return schema

    def _pattern(self) -> str:
        not_taken = (_CONTROL_BUT_LINES if self.target.lines else _CONTROL) + _OVERRIDES
        some, visible = f"[^{not_taken}]*", rf"[^\s{not_taken}]"
        if not self.target.trim_whitespace:
            return f"^{visible}({some}{visible})?$"
        return f"^{some}$" if self.target.allow_blank else f"^{some}{visible}{some}$"


class IntegerSchema(OpenApiSerializerFieldExtension):
    target_class = "offerhub.api.fields.IntegerField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Json:
        return {
            "type": "integer",
            "minimum": self.target.min_value,
            "maximum": self.target.max_value,
        }


class TimestampSchema(OpenApiSerializerFieldExtension):
    target_class = "offerhub.api.fields.TimestampField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Json:
        return {"type": "string", "format": "date-time", "maxLength": 40}


class DurationSchema(OpenApiSerializerFieldExtension):
    target_class = "offerhub.api.fields.DurationField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Json:
        least, most = format_duration(self.target.least), format_duration(self.target.most)
        return {
            "type": "string",
            "format": "duration",
            "pattern": DURATION,
            "maxLength": 20,
            "description": f"From {least} to {most}.",
            "examples": ["P7D", "PT1H"],
        }


class LinkSchema(OpenApiSerializerFieldExtension):
    target_class = "offerhub.api.fields.LinkField"
    priority = 1  # before that of every text

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Json:
        pattern = "^$|" + LINK if self.target.allow_blank else LINK
        return {
            "type": "string",
            "pattern": pattern,
            "maxLength": self.target.max_length,
            "examples": ["https://example.com/parcel/1"],
        }


class UrlSchema(OpenApiSerializerFieldExtension):
    target_class = "offerhub.api.fields.UrlField"
    priority = 1

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Json:
        return {
            "type": "string",
            "pattern": rf"^{_SCHEME}[!-~]+$",
            "maxLength": self.target.max_length,
            "examples": ["https://example.com/hooks"],
        }


class DayOrTimeSchema(OpenApiSerializerFieldExtension):
    target_class = "offerhub.api.fields.DayOrTimeField"
    priority = 1

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Json:
        return {
            "type": "string",
            "pattern": DAY_OR_TIME,
            "maxLength": self.target.max_length,
            "examples": ["2026-10-01", "2026-10-01T00:00:00+02:00"],
        }


class MetadataSchema(OpenApiSerializerFieldExtension):
    target_class = "offerhub.api.fields.MetadataField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Json:
        return {
            "type": "object",
            "additionalProperties": True,
            "maxProperties": MetadataField.KEYS,
            "propertyNames": {"minLength": 1, "maxLength": MetadataField.KEY_LENGTH},
            "examples": [{"invoice": "2026-117"}],
        }

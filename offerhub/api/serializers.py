"""Bodies, queries and answers: snake_case in Python, camelCase outside, nothing unknown.

    class NewOrder(Body):
        buyer_id = ReferenceField()
        amount = AmountField(places=2)
        milestones = NewMilestone(many=True, required=False)

    new = NewOrder.read(request)     # {"buyer_id": "client_123", "amount": 5000000000, …}

All complaints about a body are one InvalidRequest, each with its path: `milestones.1.amount`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.settings import api_settings

from offerhub.core.errors import FieldError, InvalidRequest, Malformed

_HUMP = re.compile(r"_([a-z0-9])")
# DRF's own sentences, in the form of all others: they follow the field's name.
_WORDS = {
    "required": "is required",
    "null": "must not be null",
    "blank": "must not be empty",
    "not_a_list": "must be a list",
    "empty": "must not be empty",
}


def camel(name: str) -> str:
    """`buyer_id` → `buyerId`; `from_`, which is a word of Python's own, → `from`."""
    return _HUMP.sub(lambda hump: hump.group(1).upper(), name).rstrip("_")


class Shape(serializers.Serializer[Any]):
    """Any object that goes over the wire; used alone it describes an answer."""

    is_query = False

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, field in super().get_fields().items():
            outside = camel(name)
            if outside != name and field.source is None:
                field.source = name
            fields[outside] = field
        return fields

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise ValidationError("must be an object", code="not_an_object")
        known = self.fields
        unknown = {
            name: [ErrorDetail("is not a field of this request", code="unknown_field")]
            for name in data
            if name not in known
        }
        try:
            value: dict[str, Any] = super().to_internal_value(data)
        except ValidationError as error:
            if unknown and isinstance(error.detail, dict):
                raise ValidationError({**error.detail, **unknown}) from None
            raise
        if unknown:
            raise ValidationError(unknown)
        return value


class Body(Shape):
    """The body of a write."""

    @classmethod
    def read(cls, request: Request, *, partial: bool = False) -> dict[str, Any]:
        """What was sent, checked, by snake_case names. `partial`: only what is there (PATCH).

        Raises InvalidRequest, and Malformed for a body that is no object.
        """
        data: Any = request.data
        if isinstance(data, QueryDict):
            data = data.dict()
        if not isinstance(data, dict):
            raise Malformed("The body must be a JSON object")
        return _validated(_instance(cls, partial), data)

    @classmethod
    def check(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        """The same of what came another way, such as a line of a file. Raises InvalidRequest."""
        return _validated(_instance(cls, False), dict(data))


class Query(Shape):
    """The filters of a list, without `limit` and `cursor`: those are for `pagination.page`."""

    is_query = True
    own = frozenset({"limit", "cursor"})

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """The filters that were given, by snake_case names; raises InvalidRequest."""
        data = {k: v for k, v in request.query_params.dict().items() if k not in cls.own}
        return _validated(_instance(cls, False), data)


class NoBody(Body):
    """For writes that take none, such as `POST /orders/{id}/reserve`; an empty object is fine."""


@cache
def _instance(cls: type[Shape], partial: bool) -> Any:
    """One reader of each kind: validating keeps nothing, and making the fields is slow."""
    made = cls(partial=partial)
    _ = made.fields
    return made


def _validated(reader: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    try:
        value: dict[str, Any] = reader.run_validation(data)
    except ValidationError as error:
        raise InvalidRequest(errors=list(field_errors(error.detail))) from None
    return value


def field_errors(detail: Any, path: str = "") -> Iterator[FieldError]:
    """DRF's nested complaints as a flat list, each with its dotted path."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            is_whole = name == api_settings.NON_FIELD_ERRORS_KEY
            yield from field_errors(inner, path if is_whole else _join(path, str(name)))
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            if isinstance(inner, dict | list):
                yield from field_errors(inner, _join(path, str(position)))
            else:
                yield from field_errors(inner, path)
    else:
        code = str(getattr(detail, "code", "invalid"))
        yield FieldError(path, code, _WORDS.get(code, str(detail)))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def complain(field: str, code: str, message: str) -> InvalidRequest:
    """One complaint about one field, for checks that need more than the field itself."""
    return InvalidRequest(errors=[FieldError(field, code, message)])

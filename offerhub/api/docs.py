"""What the OpenAPI document says of a handler, written on the handler itself.

@describe("Reserve an order", body=NoBody, answer=OrderShape, waits=True,
          refusals=[InsufficientFunds, WrongState])
def post(self, request: ApiRequest, order_id: str) -> Response: ...
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from offerhub.api.serializers import Body, Query, Shape
from offerhub.core.errors import Refusal

H = TypeVar("H", bound=Callable[..., Any])


@dataclass(frozen=True)
class Description:
    """Of one method of one route. What every route has (401, 429, headers …) is not said here."""

    summary: str
    text: str = ""
    tag: str = ""
    body: type[Body] | None = None
    query: type[Query] | None = None
    answer: type[Shape] | None = None
    files: Sequence[str] = ()  # media types of a file that is answered instead
    status: int = 200
    finds: bool = False  # answers 200 instead of 201 when it was there already
    listed: bool = False  # a page of `answer`
    waits: bool = False  # may answer 202, takes `Prefer`
    refusals: Sequence[type[Refusal]] = ()
    examples: dict[str, Any] = field(default_factory=dict)  # name → body of the request


def describe(summary: str, **more: Any) -> Callable[[H], H]:
    """Attach a Description to a handler; the names are its fields."""
    description = Description(summary, **more)

    def attach(handler: H) -> H:
        handler.description = description  # type: ignore[attr-defined]
        return handler

    return attach


def description_of(view: Any, method: str) -> Description | None:
    """What a view's handler says of itself."""
    handler = getattr(view, method.lower(), None)
    found = getattr(handler, "description", None)
    return found if isinstance(found, Description) else None

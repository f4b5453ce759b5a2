"""Every route below /api/, read from the URLconf: for the start-up check and for tests that must
leave none out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import EndpointEnumerator

from offerhub.api.serializers import camel

_VARIABLE = re.compile(r"\{\w+\}")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Route:
    """A path such as `/api/v1/orders/{orderId}` and the class of its view."""

    path: str
    view: Any

    @property
    def methods(self) -> list[str]:
        """The methods that the view has handlers for, HEAD aside."""
        return [method for method in METHODS if hasattr(self.view, method.lower())]

    def filled(self, value: str = "absent") -> str:
        """The path with something in the place of its variables."""
        parts = self.path.split("/")
        return "/".join(value if part.startswith("{") else part for part in parts)


def routes() -> list[Route]:
    """All of them, in the order of the URLconf."""
    return [r for r in _walk(get_resolver().url_patterns, "") if r.path.startswith("/api/")]


def _walk(patterns: list[Any], prefix: str) -> Iterator[Route]:
    for pattern in patterns:
        regex = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, regex)
        elif isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "view_class", pattern.callback)
            path: str = EndpointEnumerator().get_path_from_regex(regex)  # type: ignore[no-untyped-call]
            yield Route(camel_path(path), view)


def camel_path(path: str) -> str:
    """The path with its variables named as everything outside is: `{order_id}` → `{orderId}`."""
    return _VARIABLE.sub(lambda name: camel(name.group()), path)

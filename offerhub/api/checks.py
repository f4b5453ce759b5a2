"""Start-up checks: no route of the API without a scope, no limit that is none."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register

from offerhub.api.authentication import ApiKeyAuthentication
from offerhub.api.permissions import ANY_KEY, PUBLIC, HasScope
from offerhub.api.routes import Route, routes
from offerhub.api.views import ApiView
from offerhub.marketplaces.scopes import ALL


@register(Tags.urls)
def every_route_declares_its_scopes(**_: Any) -> list[Error]:
    """Each method of each route below /api/ says which scope it needs, or that it needs none."""
    return [Error(text, id="offerhub.E010") for route in routes() for text in complaints(route)]


def complaints(route: Route) -> list[str]:
    """What is wrong with a route's declaration."""
    if not (isinstance(route.view, type) and issubclass(route.view, ApiView)):
        return [f"{route.path} is not an ApiView, so nothing asks for a key there"]
    if route.view.permission_classes != [HasScope]:
        return [f"{route.path} replaces the question for the key's scope"]
    if route.view.authentication_classes != [ApiKeyAuthentication]:
        return [f"{route.path} replaces the question for the key"]
    declared, handled = set(route.view.scopes), set(route.methods)
    unknown = set(route.view.scopes.values()) - ALL - {PUBLIC, ANY_KEY}
    return [
        *(f"{route.path} declares no scope for {name}" for name in sorted(handled - declared)),
        *(f"{route.path} has no handler for {name}" for name in sorted(declared - handled)),
        *(f"{route.path} needs {name!r}, which is no scope" for name in sorted(unknown)),
    ]


@register()
def the_rate_limit_is_one(**_: Any) -> list[Error]:
    """Zero or less would divide by zero or let nobody in; there is no way to switch it off."""
    if settings.API_RATE_PER_SECOND <= 0:
        return [Error("OFFERHUB_API_RATE_PER_SECOND must be above zero", id="offerhub.E011")]
    return []

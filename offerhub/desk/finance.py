"""What the pages of finance have in common: whose books, and the fields of a filter."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest
from django.urls import reverse

from offerhub.marketplaces.models import Marketplace


def marketplaces() -> list[Marketplace]:
    """All of them by name. One statement."""
    return list(Marketplace.objects.order_by("name", "pk"))


def chosen(request: HttpRequest, found: list[Marketplace]) -> Marketplace | None:
    """The one that `?marketplace=` names, else the first; None when there is none at all."""
    asked = request.GET.get("marketplace", "")
    if not asked:
        return found[0] if found else None
    for each in found:
        if each.pk == asked:
            return each
    raise Http404


def address(name: str, *args: Any, **query: Any) -> str:
    """The address of a page with what is given of a query."""
    kept = {key: value for key, value in query.items() if value not in ("", None)}
    place = reverse(f"admin:{name}", args=args)
    return f"{place}?{urlencode(kept)}" if kept else place


def export_address(type: str, **query: Any) -> str:
    """The form that asks for a report, filled in."""
    return address("report_new", type=type, **query)

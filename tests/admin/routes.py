"""Every route of the desk with the rights that it declares, found by walking the site's URLs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, reverse

# Django's own pages, for whoever is signed in: they show or change nothing of the product.
FREE = {
    "index",
    "login",
    "logout",
    "password_change",
    "password_change_done",
    "autocomplete",
    "jsi18n",
    "view_on_site",
    "app_list",
}
# Pages that Django makes for each model, and who may use them: ours are to look at.
OF_A_MODEL = ("changelist", "add", "history", "delete", "change")


@dataclass(frozen=True)
class Route:
    """`look` and `act` are rights; "" says that nobody may."""

    name: str
    address: str
    look: str
    act: str


class Undeclared(AssertionError):
    """A page that does not say what it asks for."""


def patterns(found: Any = None) -> Iterator[URLPattern]:
    """All of them, without the catch-all and the redirects from old addresses."""
    for each in admin.site.get_urls() if found is None else found:
        if isinstance(each, URLResolver):
            yield from patterns(each.url_patterns)
        elif each.name:
            yield each


def routes() -> Iterator[Route]:
    """Each page with its rights; raises Undeclared."""
    for each in patterns():
        name = str(each.name)
        if name not in FREE:
            look, act = declared(each)
            yield Route(name, address(each), look, act)


def declared(each: URLPattern) -> tuple[str, str]:
    callback: Any = each.callback
    rights: tuple[str, str] | None = getattr(callback, "rights", None)
    if rights is not None:
        return rights
    page, kind = getattr(callback, "model_admin", None), str(each.name).rpartition("_")[2]
    if page is None or kind not in OF_A_MODEL:
        raise Undeclared(f"{each.name} declares no right: use offerhub.core.rights.asks")
    acts = getattr(page, "acts", "")
    adds = getattr(page, "adds", None)
    adds = acts if adds is None else adds
    return {"add": (adds, adds), "delete": ("", "")}.get(kind, (page.right, ""))


def address(each: URLPattern) -> str:
    """An address of the page, of a row that does not exist where it is of a row."""
    converters = each.pattern.converters
    values = {
        name: 1 if type(converter).__name__ == "IntConverter" else "nothing"
        for name, converter in converters.items()
    }
    return reverse(f"admin:{each.name}", kwargs=values)

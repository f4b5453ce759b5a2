"""What every page of the desk has: a right, a title, a way back, and one way to act.

@page("order/<str:order_id>/", "order", look=Right.VIEW)
def order(request: HttpRequest, order_id: str) -> HttpResponse:
    return show(request, "desk/order.html", title=order_id, crumbs=[Crumb("Orders", …)], …)

@page("deposits/<str:deposit_id>/assign/", "deposit_assign", look=…, act=Right.ASSIGN_DEPOSIT)
def assign(request: HttpRequest, deposit_id: str) -> HttpResponse:
    def change(acting: Acting) -> str:
        assign_deposit(deposit_id=deposit_id, …, actor=acting.actor)
        return "The deposit was assigned."
    return act(request, "deposit.assigned", change, subject=…, to=…, again=…)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from offerhub.core.errors import Refusal
from offerhub.core.rights import asks
from offerhub.desk.acting import Acting, staff_action

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Crumb:
    """One step of the way back."""

    label: str
    address: str


@dataclass(frozen=True)
class _Page:
    route: str
    name: str
    view: View


_pages: list[_Page] = []


def page(route: str, name: str, *, look: str, act: str = "") -> Callable[[View], View]:
    """Put a view into the desk at `admin/{route}` as `admin:{name}`.

    A route with an id in it does not begin with the label of an app (`order/…`, not `orders/…`):
    it would hide the lists of records of that app.

    `look` is the right to open it, `act` the one to post to it ("" = nobody posts); whoever lacks
    it is refused before the view runs.
    """

    def declare(view: View) -> View:
        asked: View = never_cache(csrf_protect(asks(look, act)(view)))
        _pages.append(_Page(route, name, asked))
        return asked

    return declare


def patterns(site: admin.AdminSite) -> list[URLPattern]:
    """The routes of all pages that were declared, behind the desk's door."""
    return [path(each.route, site.admin_view(each.view), name=each.name) for each in _pages]


def show(
    request: HttpRequest,
    template: str,
    *,
    title: str,
    crumbs: Sequence[Crumb] = (),
    refusal: Refusal | str = "",
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """A page inside the desk's frame. After a refusal the same page, with what to do."""
    if isinstance(refusal, Refusal):
        status = refusal.status
    shown = {
        **admin.site.each_context(request),
        "title": title,
        "crumbs": crumbs,
        "refusal": str(refusal) if refusal else "",
        **context,
    }
    return TemplateResponse(request, template, shown, status=status)


def act(
    request: HttpRequest,
    action: str,
    change: Callable[[Acting], str],
    *,
    to: str,
    again: Callable[[Refusal], HttpResponse],
    subject: str = "",
    marketplace: str = "",
    reason: str = "",
) -> HttpResponse:
    """Run a change, its audit row with it, then go to the address `to` and say what was done.

    `change` calls one service with `acting.actor` and returns the sentence. A Refusal undoes
    everything and draws the page `again`.
    """
    try:
        with staff_action(
            request, action, subject=subject, marketplace=marketplace, reason=reason
        ) as acting:
            done = change(acting)
    except Refusal as refusal:
        return again(refusal)
    messages.success(request, done)
    return HttpResponseRedirect(to)


def home_crumb() -> Crumb:
    """The first step of every way back."""
    return Crumb("Home", reverse("admin:index"))

"""Role × page × verb: every route of the desk answers each role as the table of rights says."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from offerhub.marketplaces import staff
from offerhub.marketplaces.models import ApiKey, StaffUser
from offerhub.marketplaces.roles import RIGHTS, Right, Role
from tests.admin.routes import FREE, Route, patterns, routes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def static(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STAFF_CODE_OPTIONAL = True


def signed_in(*roles: str) -> Client:
    user = staff.create_staff(username="p", password="correct horse battery", roles=roles).user
    client = Client(raise_request_exception=True)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def test_every_page_declares_its_rights() -> None:
    found = list(routes())
    assert len(found) > 80
    known = set(Right) | {""}
    assert not [route for route in found if route.look not in known or route.act not in known]
    assert {str(each.name) for each in patterns()} >= FREE - {"app_list", "view_on_site"}
    pages: Any = admin.site._registry
    assert pages[ApiKey].right == pages[ApiKey].acts == Right.OPERATE
    assert pages[StaffUser].right == pages[StaffUser].acts == Right.MANAGE_STAFF


@pytest.mark.parametrize("role", [*Role, ""])
def test_each_page_and_verb_is_open_to_exactly_those_of_its_right(role: str) -> None:
    client = signed_in(*([role] if role else []))
    rights = RIGHTS[Role(role)] if role else frozenset()
    wrong = [
        (verb, route.name, answer)
        for route in routes()
        for verb, right in (("get", route.look), ("post", route.act))
        if (answer := getattr(client, verb)(route.address).status_code)
        not in expected(route, verb, right in rights)
    ]
    assert wrong == []


def expected(route: Route, verb: str, allowed: bool) -> set[int]:
    """Rows do not exist here: whoever may look is told so, or sent back to the menu."""
    if allowed:
        return {200, 302, 400, 404, 409, 422} | ({405} if verb == "get" and route.act else set())
    if route.name.endswith("_history"):
        return {302, 403}  # Django looks for the row first
    if verb == "post" and route.name.endswith("_changelist"):
        return {200, 302, 403}  # Django lets a list be posted to; there are no actions on it
    return {403, 405}


def test_who_is_not_signed_in_is_sent_to_the_door() -> None:
    for route in routes():
        for verb in ("get", "post"):
            answer = getattr(Client(), verb)(route.address)
            assert answer.status_code == 302, route
            assert answer.headers["Location"].startswith("/admin/login/"), route

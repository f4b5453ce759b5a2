"""The door of the desk, in a browser."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from offerhub.marketplaces import staff
from tests.browser.conftest import People
from tests.browser.desk import PASSWORD, Desk, accessibility, follow

Visitor = Callable[[], Desk]


def test_a_person_signs_in_and_out_with_the_keyboard(visitor: Visitor) -> None:
    name = f"p{uuid4().hex[:10]}"
    staff.create_staff(username=name, password=PASSWORD, roles=("support",))
    desk = visitor()
    desk.page.goto("/admin/")
    for text in (name, PASSWORD):
        desk.page.keyboard.type(text)
        desk.page.keyboard.press("Tab")
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator(".oh-who")).to_have_text(name)
    follow(desk.page, desk.page.get_by_role("button", name="Sign out"))
    desk.page.goto("/admin/")
    expect(desk.page.get_by_label("Password")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_door_is_accessible(visitor: Visitor, scheme: str) -> None:
    desk = visitor()
    desk.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    desk.page.goto("/admin/")
    assert accessibility(desk.page) == []
    desk.page.set_viewport_size({"width": 390, "height": 800})
    assert desk.overflow() == []


def test_a_person_without_a_role_is_told_so(person: People) -> None:
    desk = person()
    expect(desk.page.get_by_text("You have no role yet")).to_be_visible()

"""People at the desk, in a real browser.

Whatever a page complains about (console, content security policy, another origin, an answer that
nobody expected) fails the test that saw it.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from offerhub.settings import VAR_DIR
from tests.browser.desk import Desk, Hands, signed_in

if TYPE_CHECKING:
    from tests.world import World

NAMES = ("chromium", "chromium-browser", "google-chrome")
SCREENSHOTS = VAR_DIR / "screenshots"
FLAGS = (
    "--no-sandbox",  # the pages are our own, and containers often allow no namespaces
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
PATIENCE = 30_000  # ms; a machine that does much else needs seconds for a page
expect.set_options(timeout=PATIENCE)
People = Callable[..., Desk]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all tests of this folder, and gone before others begin.

    Playwright keeps an event loop running in this thread, where Django would refuse statements.
    """
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    assert found, "There is no Chromium on this machine: `make browser` brings it"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with sync_playwright() as playwright:
            running = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
            yield running
            running.close()


@pytest.fixture
def visitor(
    browser: Browser, server: str, committed: None, request: pytest.FixtureRequest
) -> Iterator[Callable[[], Desk]]:
    """`visitor()`: a fresh profile that nobody has signed in with."""
    opened: list[tuple[BrowserContext, Desk]] = []

    def come() -> Desk:
        context = browser.new_context(
            base_url=server, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE)
        desk = Desk(context.new_page(), server)
        opened.append((context, desk))
        return desk

    yield come
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for number, (context, desk) in enumerate(opened):
        name = f"{request.node.name[:80]}-{number}.png".replace("/", "-")
        desk.page.screenshot(path=SCREENSHOTS / name, full_page=True)
        context.close()
    complaints = [complaint for _, desk in opened for complaint in desk.complaints]
    assert complaints == []


@pytest.fixture
def person(visitor: Callable[[], Desk]) -> People:
    """`person("support")`: somebody of these roles, signed in, on the home page."""

    def come(*roles: str, superuser: bool = False) -> Desk:
        desk = visitor()
        signed_in(desk, f"p{uuid4().hex[:10]}", roles, superuser=superuser)
        desk.page.goto("/admin/")
        return desk

    return come


@pytest.fixture
def hands(world: "World") -> Iterator[Hands]:
    """The background worker: `hands.start()` lets it begin."""
    working = Hands(world)
    yield working
    working.stop()

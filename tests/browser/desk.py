"""A browser at the desk that writes down what goes wrong, and the worker behind it."""

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import ConsoleMessage, Dialog, Locator, Page, Request, Response

from offerhub.marketplaces import staff
from tests.world import World

PASSWORD = "correct horse battery"
BACKEND = "django.contrib.auth.backends.ModelBackend"
# Tells of every violation, those that the console would fold together included.
WATCH = """
window.oddities = [];
document.addEventListener("securitypolicyviolation", (event) => window.oddities.push(
  `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


def follow(page: Page, link: Locator) -> None:
    """Click, and wait until the page that it leads to is there, with its scripts: without that a
    count is of the page that is being left, and a field tells nobody that it was filled."""
    with page.expect_event("load"):
        link.click()


class Desk:
    """A page of a browser, and all that it complained about."""

    def __init__(self, page: Page, server: str) -> None:
        self.page = page
        self.server = server
        self.complaints: list[str] = []
        self.expected: set[int] = set()  # statuses that the test provokes
        page.add_init_script(WATCH)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._note(f"error: {error}"))
        page.on("response", self._response)
        page.on("dialog", self._dialog)
        page.on("request", self._request)

    def _note(self, what: str) -> None:
        self.complaints.append(f"{self.page.url.removeprefix(self.server)} {what}")

    def _console(self, message: ConsoleMessage) -> None:
        # The answer itself is looked at below.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self._note(f"console: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self._note(f"dialog: {dialog.message}")
        dialog.accept()

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self._note(f"{response.status} {response.url.removeprefix(self.server)}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.server, "data:")):
            self._note(f"asked another origin: {request.url}")

    def oddities(self) -> list[str]:
        """What broke the content security policy since the page was opened."""
        found: list[str] = self.page.evaluate("window.oddities")
        return found

    def overflow(self) -> list[str]:
        """What makes the page wider than the window; empty when nothing does."""
        found: list[str] = self.page.evaluate(
            """() => {
              const most = document.documentElement.clientWidth;
              if (document.documentElement.scrollWidth <= most) return [];
              const wide = [...document.body.querySelectorAll("*")].filter(
                (one) => one.getBoundingClientRect().right > most + 1);
              const name = (one) => `${one.tagName.toLowerCase()}.${[...one.classList].join(".")}`;
              return [`${document.documentElement.scrollWidth} px`, ...wide.slice(0, 6).map(name)];
            }"""
        )
        return found


def signed_in(desk: Desk, name: str, roles: Sequence[str], *, superuser: bool = False) -> None:
    """Make the person and give the browser their session; the sign-in page has tests of its own."""
    new = staff.create_staff(
        username=name, password=PASSWORD, roles=tuple(roles), is_superuser=superuser
    )
    client = Client()
    client.force_login(new.user, BACKEND)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    desk.page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": desk.server}]
    )


@cache
def _axe() -> str:
    return str(Axe().axe_script)


def accessibility(page: Page, *rules: str) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA, or against these of its rules alone."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": tags}
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    found: list[dict[str, Any]] = page.evaluate(
        "(options) => axe.run(options).then((results) => results.violations)",
        # It would fetch style sheets again in a way that the policy refuses.
        {"runOnly": only, "resultTypes": ["violations"], "preload": False},
    )
    return [
        f"{rule['id']}: {node['target'][0]} {node['html'][:160]} — {_why(node)}"
        for rule in found
        for node in rule["nodes"][:3]
    ]


def _why(node: dict[str, Any]) -> str:
    reasons = [check["message"] for kind in ("any", "all", "none") for check in node[kind]]
    return str(reasons[0]) if reasons else ""


def assert_accessible(page: Page, *rules: str) -> None:
    """Fail with what axe-core found."""
    assert accessibility(page, *rules) == []


class Hands:
    """The background worker in a thread: does what is due, and waits for no pause."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ended = threading.Event()
        self.failure: BaseException | None = None
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to work."""
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self) -> None:
        try:
            while not self.ended.wait(0.05):
                self.world.settle()
        except BaseException as failure:
            self.failure = failure
        finally:
            connections.close_all()

    def stop(self) -> None:
        """Finish the piece in hand; raise what went wrong in the thread."""
        self.ended.set()
        if self.thread:
            self.thread.join()
        if self.failure:
            raise self.failure

"""Every page of the desk, as the person who may see most finds them by following links.

The rows are those of somebody who wants scripts to run here (`corpus.py`). One walk visits each
kind of page; the tests below say what must be true of all of them.
"""

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urldefrag, urljoin, urlsplit

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Page

from tests.browser.conftest import People
from tests.browser.corpus import MARKS, Corpus
from tests.browser.desk import Desk, accessibility
from tests.http import Api
from tests.world import World

# What answers with no page of its own.
SKIPPED = {"logout", "jsi18n", "case_live", "case_preview", "evidence_file", "evidence_preview"} | {
    "report_file"
}
NO_PAGE = (".txt", ".csv", ".json")
# Records look alike, whatever they are of: axe need not see each list, or each row.
RECORDS = re.compile(r"\w+_(changelist|change)\b")
EACH = 2  # pages of one kind, beside those that the walk starts with
JUDGED = {"changelist": 3, "change": 3}  # how many of the records' pages axe sees
ADDRESSES = "() => [...document.querySelectorAll('a[href]')].map((one) => one.getAttribute('href'))"


@dataclass
class Visit:
    """One page, and what was wrong with it."""

    address: str
    kind: str
    status: int
    marks: set[str]
    wide: list[str]
    refused: list[str]  # by the content security policy
    barriers: list[str] = field(default_factory=list)


@dataclass
class Walk:
    """All visits, and what the browser complained about on the way."""

    visits: list[Visit]
    complaints: list[str]

    def bad(self, what: str) -> dict[str, list[str]]:
        """The addresses where this list is not empty."""
        return {v.address: getattr(v, what) for v in self.visits if getattr(v, what)}


def kind_of(address: str) -> str:
    """Which page this is, whichever row it shows; empty for what is no page of the desk."""
    parts = urlsplit(address)
    try:
        found = resolve(parts.path)
    except Resolver404:
        return ""
    name = str(found.url_name)
    if "admin" not in found.namespaces or name in SKIPPED or parts.path.endswith(NO_PAGE):
        return ""
    query = parse_qs(parts.query)
    if query and RECORDS.match(name):
        return "records filtered"
    return " ".join([name, *query.get("tab", []), *sorted(query)])


def walk(desk: Desk, start: list[str]) -> list[Visit]:
    """Follow links from home and from these addresses, a few of each kind."""
    queue = deque(["/admin/", *start])
    seen, known, judged = set(queue), Counter(map(kind_of, queue)), Counter[str]()
    visits = []
    while queue:
        address = queue.popleft()
        kind = kind_of(address)
        likeness = match[1] if (match := RECORDS.match(kind)) else kind.split()[0]
        judged[likeness] += 1
        axe = judged[likeness] <= JUDGED.get(likeness, 1)
        visits.append(visit(desk, address, axe=axe))
        for link in desk.page.evaluate(ADDRESSES):
            found = urldefrag(urljoin(address, link)).url
            kind = kind_of(found)
            most = 1 if "?" in found or RECORDS.match(kind) else EACH
            if kind and found not in seen and known[kind] < most:
                seen.add(found)
                known[kind] += 1
                queue.append(found)
    return visits


def visit(desk: Desk, address: str, *, axe: bool) -> Visit:
    """Look at one page in both themes and both widths."""
    page = desk.page
    answer = page.goto(address)
    assert answer is not None
    text = page.locator("body").inner_text()
    found = Visit(
        address,
        kind_of(address),
        answer.status,
        marks={mark for mark in MARKS if re.search(rf'{mark}\\*"?><', text)},
        wide=[],
        refused=[],
    )
    if axe:
        found.barriers = [*accessibility(page), *in_the_dark(page)]
    page.set_viewport_size({"width": 390, "height": 844})
    found.wide = desk.overflow()
    found.refused = desk.oddities()
    page.set_viewport_size({"width": 1280, "height": 900})
    return found


def in_the_dark(page: Page) -> list[str]:
    """Only colours can differ there."""
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.getAnimations().forEach((one) => one.finish())")  # colours that fade
    found = [f"dark {barrier}" for barrier in accessibility(page, "color-contrast")]
    page.emulate_media(color_scheme="light")
    return found


@pytest.fixture
def walked(request: pytest.FixtureRequest) -> Walk:
    """The walk, made by the first test that asks for it."""
    if not _kept:
        world: World = request.getfixturevalue("world")
        api: Api = request.getfixturevalue("api")
        person: People = request.getfixturevalue("person")
        desk = person(superuser=True)
        visits = walk(desk, Corpus(world, api).addresses)
        _kept.append(Walk(visits, list(desk.complaints)))
        desk.complaints.clear()  # a test of its own names them
    return _kept[0]


_kept: list[Walk] = []


def test_the_walk_finds_all_kinds_of_pages(walked: Walk) -> None:
    kinds = {visit.kind for visit in walked.visits}
    assert len(kinds) > 60
    assert {"index", "disputes", "case", "order", "user", "approvals", "operations"} <= kinds


def test_every_link_leads_to_a_page(walked: Walk) -> None:
    assert {v.address: v.status for v in walked.visits if v.status != 200} == {}


def test_no_page_complains(walked: Walk) -> None:
    assert walked.complaints == []
    assert walked.bad("refused") == {}


def test_what_parties_write_is_shown_and_never_runs(walked: Walk) -> None:
    shown = set[str]().union(*(visit.marks for visit in walked.visits))
    assert MARKS - shown == set()
    assert [complaint for complaint in walked.complaints if "/xss/" in complaint] == []


def test_every_kind_of_page_is_accessible_in_both_themes(walked: Walk) -> None:
    assert walked.bad("barriers") == {}


def test_no_page_scrolls_sideways_on_a_phone(walked: Walk) -> None:
    assert walked.bad("wide") == {}

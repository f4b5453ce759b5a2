"""A finance user who is new to the desk, and how the pages of finance look to everybody."""

import csv
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from ledger import closing
from ledger.models import Account, Entry, Period
from offerhub.core import clock
from offerhub.core.actor import system
from offerhub.reports import making, schedules, services
from offerhub.reports.parameters import Parameters
from offerhub.reports.periods import last_month
from tests.browser.conftest import SCREENSHOTS, People
from tests.browser.desk import Desk, Hands, accessibility
from tests.browser.test_pages import in_the_dark
from tests.ledger.conftest import Books
from tests.ledger.test_posting import capital
from tests.reports.conftest import fill, leave_nothing

ACTOR = system("test")


@pytest.fixture
def books(committed: None) -> Iterator[Books]:
    """Busy books, with an entry of last month and one of the month before."""
    made = fill(Books())
    first, _ = last_month(clock.now().date())
    when = clock.now().replace(year=first.year, month=first.month, day=15)
    capital(made, 70_000_000, source="last month", effective_at=when, description="of last month")
    capital(made, 10_000_000, source="before", effective_at=when - timedelta(days=31))
    yield made
    leave_nothing()


def test_last_months_ledger_is_three_clicks_from_home(
    books: Books, person: People, hands: Hands, tmp_path: Path
) -> None:
    page = person("finance").page
    hands.start()
    clicks = 0

    def click(role: Any, name: str) -> None:
        nonlocal clicks
        clicks += 1
        page.get_by_role(role, name=name).click()

    click("link", "Export last month's ledger")
    click("button", "Make the file")
    download = page.get_by_role("link", name="Download CSV")
    expect(download).to_be_visible()  # the page follows by itself
    with page.expect_download() as caught:
        click("link", "Download CSV")
    assert clicks == 3
    saved = tmp_path / "ledger.csv"
    caught.value.save_as(saved)
    digest = hashlib.sha256(saved.read_bytes()).hexdigest()
    expect(page.get_by_text(digest)).to_be_visible()
    with saved.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["marketplaceId"].startswith("#")]
    mine = [row for row in rows if row["marketplaceId"] == books.id]
    assert {row["description"] for row in mine} == {"of last month"}
    first, after = last_month(clock.now().date())
    assert {row["effectiveDay"][:7] for row in rows} == {f"{first:%Y-%m}"}
    assert caught.value.suggested_filename.startswith(f"ledger.entries.v1_{first}_{after}_rpt_")


def pages(books: Books) -> dict[str, str]:
    """Each page of finance, with something on it."""
    closing.close_days(
        marketplace_id=books.id, through=clock.now().date() - timedelta(days=1), actor=ACTOR
    )
    closing.sign_days(books.id)
    asked = Parameters(marketplace=books.id)
    kinds = ("done", "failed", "queued")
    runs = [
        services.request_run(type="ledger.entries.v1", format="csv", asked=asked, actor=ACTOR)
        for _ in kinds
    ]
    making.make(runs[0].pk)
    claimed = making._claim(runs[1].pk)
    assert claimed is not None
    making._fail(claimed, "storage_full", "The disk is full, so no file was kept.")
    schedules.create(
        name="Books for the auditor",
        type="journal.beancount.v1",
        format="beancount",
        filters=Parameters(marketplace=books.id, zone="Europe/Vienna"),
        cadence="MONTHLY",
        hour=4,
        recipients=["auditor@example.com"],
        actor=ACTOR,
    )
    account = Account.objects.get(marketplace=books.id, kind="available", user=books.buyer)
    entry = Entry.objects.filter(marketplace=books.id, kind="split").get()
    day = Period.objects.filter(marketplace=books.id).latest("day")
    where, at = f"marketplace={books.id}", "2100-01-01"
    return {
        "trial": f"finance/trial-balance/?{where}",
        "trial-past": f"finance/trial-balance/?{where}&at={at}&zone=Europe/Vienna&basis=recorded",
        "accounts": f"finance/accounts/?{where}&kind=available&asset=USDC",
        "account": f"finance/account/{account.pk}/",
        "entry": f"finance/entry/{entry.pk}/",
        "flow": f"finance/flow/?{where}&days=90",
        "close": f"finance/close/?{where}",
        "closed-day": f"finance/close/{day.pk}/",
        "reports": "finance/reports/",
        "types": "finance/reports/new/",
        "new": f"finance/reports/new/?type=ledger.entries.v1&{where}&view=ledger.entry&query=q%3Dx",
        "new-schedule": "finance/schedules/new/?type=ledger.trial-balance.v1",
        "schedules": "finance/schedules/",
        **{
            f"report-{kind}": f"finance/reports/{run.pk}/"
            for kind, run in zip(kinds, runs, strict=True)
        },
        "home": "",
        "entries": "ledger/entry/",
    }


def test_every_page_of_finance_is_accessible_in_both_themes_and_on_a_phone(
    books: Books, person: People
) -> None:
    desk = person("finance")
    found: dict[str, list[str]] = {}
    for name, address in pages(books).items():
        answer = desk.page.goto(f"/admin/{address}")
        assert answer is not None and answer.status == 200, name
        wrong = [*accessibility(desk.page), *in_the_dark(desk.page), *desk.oddities()]
        keep(desk, name)
        desk.page.set_viewport_size({"width": 390, "height": 844})
        wrong += desk.overflow()
        keep(desk, f"{name}-phone")
        desk.page.set_viewport_size({"width": 1280, "height": 900})
        if wrong:
            found[name] = wrong
    assert found == {}


def keep(desk: Desk, name: str) -> None:
    """A picture, to be looked at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    desk.page.screenshot(path=SCREENSHOTS / f"finance-{name}.png", full_page=True)

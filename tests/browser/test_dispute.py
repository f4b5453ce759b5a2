"""Disputes settled by clicks. What the page previews is what the parties, the books and the chain
have in the end, to the stroop."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from offerhub.core.money import parse_amount
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import User, Wallet
from tests.browser.conftest import People
from tests.browser.desk import Desk, Hands, follow
from tests.http import Api
from tests.world import World


class Case:
    """An order in dispute, made through the API."""

    count = 0

    def __init__(self, world: World, api: Api, parts: list[str], reason: str) -> None:
        Case.count += 1
        self.world, self.api = world, api
        self.buyer, self.seller = f"buyer_{Case.count}", f"seller_{Case.count}"
        total = sum(map(float, parts))
        created = api.post("/users", {"externalId": self.buyer}, status=201)
        api.post("/users", {"externalId": self.seller}, status=201)
        world.network.mint(created["wallet"]["address"], f"{total:.2f}")
        world.watch()
        milestones = [
            {"id": f"m{i}", "description": f"Part {i}", "amount": part}
            for i, part in enumerate(parts, 1)
        ]
        more = {"milestones": milestones} if len(parts) > 1 else {}
        sale = {
            "buyerId": self.buyer,
            "sellerId": self.seller,
            "amount": f"{total:.2f}",
            "description": "Handmade ceramic vase",
        }
        self.order = world.funded(api, sale | more)
        dispute = api.post("/disputes", {"orderId": self.order, "reason": reason}, status=201)
        self.id: str = dispute["id"]

    def status(self) -> tuple[str, str]:
        """Of the dispute and of its order, over the API."""
        dispute = self.api.get(f"/disputes/{self.id}")
        return dispute["status"], self.api.get(f"/orders/{self.order}")["status"]

    def available(self) -> tuple[str, str]:
        """What the buyer and the seller may spend, over the API."""
        buyer, seller = (self.api.get(f"/users/{u}/balance") for u in (self.buyer, self.seller))
        return buyer["available"], seller["available"]

    def tokens(self) -> tuple[int, int]:
        """What the wallets of the buyer and the seller hold on the network, in stroops."""
        mine = User.objects.filter(marketplace=self.world.marketplace)
        buyer, seller = (
            self.world.network.held(Wallet.objects.get(user=mine.get(external_id=name)).address)
            for name in (self.buyer, self.seller)
        )
        return stroops(buyer), stroops(seller)


def stroops(text: str) -> int:
    """Of a decimal text, a balance or an amount with its asset."""
    number = text.removesuffix(" USDC")
    return 0 if float(number) == 0 else parse_amount(number)


@pytest.fixture
def case(world: World, api: Api) -> Iterator[Callable[..., Case]]:
    """Make one: `case("100", reason="Item damaged")`, `case("200", "300")`."""

    def make(*parts: str, reason: str = "Item damaged") -> Case:
        return Case(world, api, list(parts), reason)

    yield make
    assert world.differences() == []


def opened(desk: Desk, case: Case) -> Page:
    """The case's page, found through the queue."""
    page = desk.page
    follow(page, page.get_by_role("link", name="Disputes", exact=True).first)
    queues = page.get_by_role("navigation", name="Queues")
    follow(page, queues.get_by_role("link", name=re.compile("^Unassigned")))
    line = page.get_by_role("row").filter(has_text=case.buyer)
    while not line.count():
        follow(page, page.get_by_role("link", name="Next", exact=True))
    follow(page, line.first.locator("a[data-open]"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Item damaged")
    expect(page.locator(f'#case-head a[href="/admin/order/{case.order}/"]')).to_be_visible()
    return page


def explain(page: Page, text: str) -> None:
    """Choose a reason and write the parties a text of one's own."""
    page.get_by_label("Reason shown to both parties").select_option(index=1)
    page.get_by_label("Text shown to both parties").fill(text)


def previewed(page: Page) -> tuple[int, int]:
    """What the buyer and the seller would receive, in stroops, once the preview is drawn."""
    nets = page.locator("#preview .oh-nets dd")
    return stroops(nets.nth(1).inner_text()), stroops(nets.nth(0).inner_text())


def redrawn(page: Page, act: Callable[[], Any]) -> None:
    """Act, and wait until the preview that it asks for has come."""
    with page.expect_response(re.compile("/preview/")):
        act()


def test_two_people_settle_a_dispute_and_the_page_follows(
    person: People, case: Callable[..., Case], world: World, hands: Hands
) -> None:
    Marketplace.objects.filter(pk=world.marketplace.pk).update(platform_fee_percent=5)
    one = case("133.33", "400.07")
    said = {"by": "seller", "text": "It left whole"}
    one.api.post(f"/disputes/{one.id}/statements", said, status=201)
    agent, senior = person("support"), person("senior_support")

    # The agent finds the case, takes it, reads it, and proposes.
    page = opened(agent, one)
    follow(page, page.get_by_role("button", name="Take", exact=True))
    expect(page.get_by_role("button", name="Release", exact=True)).to_be_visible()
    expect(page.locator(".oh-split-main")).to_contain_text("It left whole")
    shares = page.locator("fieldset.oh-part").get_by_label("Seller USDC")
    shares.nth(0).fill("33.34")
    redrawn(page, lambda: shares.nth(1).fill("250.01"))
    expect(page.locator("#preview")).to_contain_text("283.35")
    expect(page.locator("#preview")).to_contain_text("Balanced")
    to_buyer, to_seller = previewed(page)
    assert to_buyer + to_seller < stroops("533.40")  # the fees are named before, not after
    explain(page, "Half of it arrived whole.")
    page.get_by_role("button", name="Propose resolution").click()
    expect(page.get_by_role("heading", name="Awaiting approval")).to_be_visible()
    expect(page.get_by_role("button", name="Approve and settle")).to_have_count(0)
    assert previewed(page) == (to_buyer, to_seller)
    assert one.status() == ("PROPOSED", "DISPUTED")

    # The senior agrees to exactly that.
    second = senior.page
    second.goto(f"/admin/cases/{one.id}/")
    assert previewed(second) == (to_buyer, to_seller)
    buyer_before, seller_before = one.tokens()
    second.get_by_role("button", name="Approve and settle").click()
    expect(second.get_by_role("heading", name="Settling", exact=True)).to_be_visible()
    assert one.tokens() == (buyer_before, seller_before)

    # The page follows the settlement; nobody reloads it.
    second.evaluate("window.stayed = true")
    hands.start()
    expect(second.get_by_role("heading", name="Resolved", exact=True)).to_be_visible()
    assert second.evaluate("window.stayed") is True
    expect(second.locator("#case-head h1 .oh-state")).to_have_text("Resolved", ignore_case=True)
    hands.stop()

    assert one.status() == ("RESOLVED", "COMPLETED")
    assert tuple(map(stroops, one.available())) == (to_buyer, to_seller)
    assert one.tokens() == (buyer_before + to_buyer, seller_before + to_seller)


@pytest.mark.parametrize(
    ("amount", "button", "end", "received"),
    [
        ("100", "Refund buyer", "REFUNDED", ("100.00", "0.00")),
        ("150", "Half and half", "COMPLETED", ("75.00", "75.00")),
        ("100", "Half and half", "COMPLETED", ("50.00", "50.00")),
        ("100", "Release to seller", "COMPLETED", ("0.00", "100.00")),
    ],
)
def test_one_person_settles_a_small_dispute(
    person: People,
    case: Callable[..., Case],
    hands: Hands,
    amount: str,
    button: str,
    end: str,
    received: tuple[str, str],
) -> None:
    one = case(amount)
    page = person("support").page
    page.goto(f"/admin/cases/{one.id}/")
    redrawn(page, page.get_by_role("button", name=button).click)
    expect(page.locator("#preview .oh-nets dd").first).to_have_text(f"{received[1]} USDC")
    previewing = previewed(page)
    explain(page, "We have looked at it.")
    page.get_by_role("button", name="Propose resolution").click()
    hands.start()
    expect(page.get_by_role("heading", name="Resolved", exact=True)).to_be_visible()
    hands.stop()
    assert one.status() == ("RESOLVED", end)
    assert one.available() == received
    assert tuple(map(stroops, received)) == previewing == one.tokens()


def test_a_page_that_is_stale_decides_nothing_and_keeps_what_was_written(
    person: People, case: Callable[..., Case]
) -> None:
    one = case("100")
    desk = person("support")
    page = desk.page
    page.goto(f"/admin/cases/{one.id}/")
    one.api.post(f"/disputes/{one.id}/messages", {"by": "buyer", "text": "Wait"}, status=201)
    redrawn(page, page.get_by_role("button", name="Release to seller").click)
    explain(page, "The seller is right.")
    desk.expected = {409}
    page.get_by_role("button", name="Propose resolution").click()
    expect(page.get_by_role("alert").first).to_contain_text("message")
    expect(page.get_by_label("Text shown to both parties")).to_have_value("The seller is right.")
    expect(page.locator("fieldset.oh-part").get_by_label("Seller USDC")).to_have_value("100.00")
    assert one.status() == ("OPEN", "DISPUTED")
    assert one.available() == ("0.00", "0.00")

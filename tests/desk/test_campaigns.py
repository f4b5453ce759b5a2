"""Campaigns at the desk: how far they are, what failed, and trying that again."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection

from offerhub.audit.models import StaffAction
from offerhub.core import clock, jobs
from offerhub.marketplaces.models import Marketplace
from orders import services as orders
from orders.campaigns import pledging, services, settling
from orders.campaigns.models import Campaign
from tests.desk import rows
from tests.desk.conftest import SignIn
from tests.statements import Statements
from tests.world import ACTOR

pytestmark = pytest.mark.django_db
CENT = 100_000


def backed(market: Marketplace, pledges: int) -> Campaign:
    """A campaign of reservations that has met its goal."""
    rows.user(market, "creator")
    rows.user(market, "ada", money=pledges * CENT)
    new = services.NewCampaign(
        "creator", "Project X", pledges * CENT, clock.now() + timedelta(days=1), "RESERVATION"
    )
    made = services.create_campaign(marketplace_id=market.pk, new=new, actor=ACTOR)
    for _ in range(pledges):
        order = orders.NewOrder("ada", "creator", CENT)
        pledging.pledge(marketplace_id=market.pk, campaign_id=made.pk, new=order, actor=ACTOR)
    return Campaign.objects.get(pk=made.pk)


def failing(market: Marketplace, pledges: int = 2) -> Campaign:
    """Every pledge failed: the marketplace's own wallets are not alive, so there is no contract."""
    campaign = backed(market, pledges)
    services.settle(marketplace_id=market.pk, campaign_id=campaign.pk, actor=ACTOR)
    for _ in range(2):
        with suppress(jobs.Later):
            settling.attend(campaign.pk)
        Campaign.objects.filter(pk=campaign.pk).update(next_at=clock.now())
    return Campaign.objects.get(pk=campaign.pk)


def test_home_counts_campaigns_with_failures_and_leads_to_them(desk: SignIn) -> None:
    campaign = failing(rows.market())
    assert (campaign.status, campaign.failed) == ("NEEDS_ATTENTION", 2)
    client = desk("support")
    assert "Campaigns with failures" in client.get("/admin/").content.decode()
    listed = client.get("/admin/campaigns/").content.decode()
    assert f"/admin/campaign/{campaign.pk}/" in listed
    assert (
        f"/admin/campaign/{campaign.pk}/"
        not in client.get("/admin/campaigns/?view=open").content.decode()
    )


def test_the_page_says_in_words_how_far_it_is_and_why_pledges_failed(desk: SignIn) -> None:
    campaign = failing(rows.market())
    page = desk("support").get(f"/admin/campaign/{campaign.pk}/").content.decode()
    assert "0 of 2 pledges are settled (0 %), 2 failed." in page
    assert page.count("wallet_not_active") == 2
    assert "<button" in page
    assert "Settle the failed pledges again" not in page
    opened = backed(rows.market("Other"), 3)
    page = desk("support").get(f"/admin/campaign/{opened.pk}/").content.decode()
    assert "The goal was reached" in page
    assert 'max="300000" value="300000"' in page


def test_operations_staff_try_again_and_nobody_else(desk: SignIn) -> None:
    campaign = failing(rows.market())
    path = f"/admin/campaign/{campaign.pk}/"
    for role in ("support", "senior_support", "finance", "read_only"):
        assert desk(role).post(path).status_code == 403
    assert StaffAction.objects.count() == 0
    client = desk("operations")
    assert "Settle the failed pledges again" in client.get(path).content.decode()
    assert client.post(path).status_code == 302
    after = Campaign.objects.get(pk=campaign.pk)
    assert (after.status, after.failed, after.left) == ("SETTLING", 0, 2)
    (row,) = StaffAction.objects.all()
    assert (row.action, row.subject) == ("campaign.retried", campaign.pk)
    refused = client.post(path)
    assert (refused.status_code, b"none of its pledges failed" in refused.content) == (409, True)


def test_the_pages_take_as_many_statements_for_many_as_for_one(desk: SignIn) -> None:
    client = desk("operations")
    client.get("/admin/campaigns/")
    counts = []
    for number in (1, 7):
        campaign = failing(rows.market(f"Market {number}"), number)
        with Statements(connection) as seen:
            client.get("/admin/campaigns/")
            client.get(f"/admin/campaign/{campaign.pk}/")
        counts.append(len(seen))
    assert counts[0] == counts[1]

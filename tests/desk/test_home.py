"""Home: what waits, in numbers that lead to it, in few statements."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from offerhub.core.ids import id_from, new_id
from offerhub.deposits.models import ChainCursor
from offerhub.desk import flows
from offerhub.operations.live import live_counts, together
from tests.desk import rows
from tests.desk.conftest import SignIn
from tests.statements import Statements

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh() -> None:
    cache.clear()


def test_every_queue_leads_to_a_page_that_opens(desk: SignIn) -> None:
    client = desk("support")
    page = client.get("/admin/").content.decode()
    links = re.findall(r'class="oh-queue[^"]*" href="([^"]+)"', page)
    assert len(links) == 13
    for link in links:
        assert client.get(link.replace("&amp;", "&")).status_code == 200, link


def test_the_numbers_are_those_of_what_waits(desk: SignIn) -> None:
    market = rows.market()
    rows.suspended(market)
    rows.operation(rows.user(market, "ada").wallet, status="UNKNOWN")
    rows.operation(rows.user(market, "bob").wallet, problem={"code": "books_period_closed"})
    live = together(live_counts())
    assert (live.unknown, live.stuck, live.all, live.behind) == (1, 0, 2, 1)
    page: Any = desk("finance").get("/admin/")
    assert [queue.number for queue in page.context_data["money"]] == [0, 1, 1, 0, 0, 0, 1, 0]


def test_home_takes_as_many_statements_however_much_waits(desk: SignIn) -> None:
    market, client = rows.market(), desk("support")
    client.get("/admin/")
    counts = []
    for number in (1, 8):
        for name in range(number):
            rows.suspended(market)
            rows.operation(rows.user(market, f"{number}-{name}").wallet, status="UNKNOWN")
        with Statements(connection) as seen:
            assert client.get("/admin/").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert counts[1] <= 20


def test_a_deposit_of_today_is_in_the_flow_of_funds_and_yesterday_is_not(db: None) -> None:
    rows.user(rows.market(), "ada", money=120_000_000)
    chart = flows.flow()
    assert chart.rows[-1].values == ["12.00 USDC", "0.00 USDC", "0.00 USDC"]
    assert chart.rows[-2].values == ["0.00 USDC"] * 3


def test_the_link_to_the_chain_says_when_it_is_silent(desk: SignIn) -> None:
    ChainCursor.objects.all().delete()
    client = desk("operations")
    assert "Not started" in client.get("/admin/").content.decode()
    row = ChainCursor.objects.create(network="sandbox", ledger=7, latest_ledger=9)
    page = client.get("/admin/").content.decode()
    assert "Following" in page
    assert "2 ledgers" in page
    old = timezone.now() - timedelta(minutes=5)
    ChainCursor.objects.filter(pk=row.pk).update(updated_at=old)
    assert "Silent" in client.get("/admin/").content.decode()


def test_who_has_no_role_is_told_so_and_sees_no_number(desk: SignIn) -> None:
    page = desk().get("/admin/").content.decode()
    assert "You have no role yet" in page
    assert "oh-queue" not in page


def test_the_least_id_of_an_instant_is_below_every_id_made_since() -> None:
    before = timezone.now() - timedelta(milliseconds=5)
    assert id_from("ent", before) < new_id("ent") < id_from("ent", before + timedelta(seconds=5))

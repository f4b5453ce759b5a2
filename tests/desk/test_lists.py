"""Lists of records: every value in words, every row a link to its page, no count without end."""

from typing import Any

import pytest
from django.db import connection

from offerhub.core import admin, shown
from tests.desk import rows
from tests.desk.conftest import SignIn
from tests.statements import Statements

pytestmark = pytest.mark.django_db


def test_no_raw_value_of_the_program_is_shown(desk: SignIn) -> None:
    market = rows.market()
    rows.suspended(market, reason="unknown_muxed")
    rows.user(market, "ada", money=900_000_000)
    client = desk("finance")
    for address in ("deposits/deposit", "users/user", "users/wallet", "ledger/account"):
        page = client.get(f"/admin/{address}/").content.decode()
        table = page[page.index('id="result_list"') : page.index("</table>")]
        for raw in (">None<", ">True<", ">False<", "icon-yes", "unknown_muxed", "MANAGED"):
            assert raw not in table, (address, raw)
    deposits = client.get("/admin/deposits/deposit/").content.decode()
    assert "Unknown muxed</td>" in deposits
    assert "Wrong asset</a>" in deposits  # a filter
    assert "No reason</a>" in deposits
    assert ">None<" not in deposits


def test_a_row_opens_the_page_of_the_desk_and_names_link_to_theirs(desk: SignIn) -> None:
    user = rows.user(rows.market(), "ada", money=1)
    page = desk("support").get("/admin/users/wallet/").content.decode()
    assert f'href="{shown.page_of(user.pk)}"' in page
    listed = desk("support").get("/admin/users/user/").content.decode()
    assert (
        f'<a href="/admin/user/{user.pk}/?' in listed or f'href="/admin/user/{user.pk}/"' in listed
    )
    assert f"/admin/users/user/{user.pk}/change/" not in listed


def test_a_list_counts_to_its_limit_and_says_so(
    desk: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = rows.market()
    for name in ("ada", "bob", "cleo"):
        rows.user(market, name)
    client = desk("support")
    assert "3 users" in client.get("/admin/users/user/").content.decode()
    monkeypatch.setattr(admin, "MOST_COUNTED", 2)
    with Statements(connection) as seen:
        page = client.get("/admin/users/user/").content.decode()
    assert "More than" in page
    counts = [row["sql"] for row in seen.captured_queries if "COUNT(" in row["sql"]]
    assert counts
    assert all("LIMIT 3" in sql for sql in counts)


def test_pages_follow_each_other_without_gap_or_repeat(
    desk: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = rows.market()
    made = {rows.user(market, f"u{number}").pk for number in range(5)}
    monkeypatch.setattr(admin.ReadOnlyAdmin, "list_per_page", 2)
    client = desk("support")
    listed: list[str] = []
    for number in (1, 2, 3):
        answer: Any = client.get("/admin/users/user/", {"p": number})
        listed += [row.pk for row in answer.context["cl"].result_list]
    assert len(listed) == 5
    assert set(listed) == made


def test_a_list_takes_as_many_statements_for_many_as_for_one(desk: SignIn) -> None:
    market, client = rows.market(), desk("support")
    client.get("/admin/users/wallet/")
    counts = []
    for number in (1, 9):
        for name in range(number):
            rows.user(market, f"w{number}-{name}")
        with Statements(connection) as seen:
            assert client.get("/admin/users/wallet/").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_events_are_found_by_what_they_are_about(desk: SignIn) -> None:
    rows.user(rows.market(), "ada")
    client: Any = desk("support")
    about = client.get("/admin/events/event/", {"about": "user"})
    types = {row.type for row in about.context["cl"].result_list}
    assert types
    assert all(name.startswith("user.") for name in types)

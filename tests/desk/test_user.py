"""The page of a user: every balance says why it is so."""

from typing import Any

import pytest

from ledger import movements
from tests.desk import rows
from tests.desk.conftest import SignIn
from tests.world import ACTOR

pytestmark = pytest.mark.django_db


def test_the_statement_ends_at_the_balance_and_names_each_source(desk: SignIn) -> None:
    user = rows.user(rows.market(), "ada", money=900_000_000)
    order = "ord_" + "0" * 26
    movements.reserve(
        marketplace_id=user.marketplace_id,
        user_id=user.pk,
        order_id=order,
        amount=250_000_000,
        asset="USDC",
        actor=ACTOR,
    )
    page = desk("finance").get(f"/admin/user/{user.pk}/statement/").content.decode()
    assert page.count("65.00") == 2  # the balance now, and after the last line
    assert order in page
    whole = desk("finance").get(f"/admin/user/{user.pk}/").content.decode()
    assert "25.00" in whole
    assert "90.00" in whole  # owed in all


def test_pages_of_a_long_statement_follow_each_other_without_gap_or_repeat(desk: SignIn) -> None:
    user = rows.user(rows.market(), "ada", money=1_000_000_000)
    for number in range(60):
        movements.reserve(
            marketplace_id=user.marketplace_id,
            user_id=user.pk,
            order_id=f"ord_{number:026d}",
            amount=10_000_000,
            asset="USDC",
            actor=ACTOR,
        )
    client, address = desk("finance"), f"/admin/user/{user.pk}/statement/"
    pages: list[Any] = [client.get(address), client.get(address, {"before": "12"})]
    first, second = [page.context_data for page in pages]
    assert [line.account_version for line in first["lines"]] == [*range(61, 11, -1)]
    assert first["older"] == "?before=12"
    assert [line.account_version for line in second["lines"]] == [*range(11, 0, -1)]
    assert second["older"] == ""


def test_a_user_that_is_not_there_is_not_found(desk: SignIn) -> None:
    assert desk("support").get("/admin/user/usr_nothing/").status_code == 404
    assert desk("support").get("/admin/user/usr_nothing/statement/").status_code == 404

"""The provider's limit at the desk, and what an installation may set."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.db.models.functions import Now

from offerhub.users.models import Wallet
from offerhub.wallets.models import WalletOperation
from tests.budget.asking import Bucket
from tests.budget.conftest import empty
from tests.desk import rows
from tests.desk.conftest import SignIn, desk, static  # noqa: F401  (fixtures)
from tests.statements import Statements

pytestmark = pytest.mark.django_db
PAGE = "/admin/operations/"


def wallet() -> Wallet:
    return rows.user(rows.market(), "ada").wallet


def waiting() -> None:
    """The limit is used, and two marketplaces wait."""
    empty()
    bucket = Bucket(20, 632)
    bucket.direct(20)
    shop, raise_fund = rows.market("Shop"), rows.market("Raise")
    bucket.turn("ord_1", shop.id, 2, rest=4)
    for number in range(30):
        bucket.turn(f"pledge_{number}", raise_fund.id, 4, rest=2)


def test_the_page_says_what_is_used_who_waits_and_how_long(
    desk: SignIn,  # noqa: F811
    settings: Any,
) -> None:
    waiting()
    settings.PROVIDER_LIMIT, settings.PROVIDER_WINDOW = 20, 630.0
    page = " ".join(desk("support").get(PAGE).content.decode().split())
    for words in (
        "20 of 20 in 630 seconds",
        '<th scope="row">Orders</th><td>Shop</td><td class="oh-right">1</td>',
        '<td class="oh-right">6</td><td class="oh-right">10 min</td>',
        '<td>Raise</td><td class="oh-right">30</td><td class="oh-right">120</td>',
    ):
        assert words in page


def test_without_a_limit_the_page_says_nothing_of_it_and_asks_nothing(
    desk: SignIn,  # noqa: F811
    settings: Any,
) -> None:
    waiting()
    client = desk("support")
    client.get(PAGE)
    counts = []
    for limit in (0, 20):
        settings.PROVIDER_LIMIT = limit
        with Statements(connection) as seen:
            page = client.get(PAGE).content.decode()
        counts.append(len(seen))
        assert ("Requests to the escrow provider" in page) == bool(limit)
    assert counts[1] == counts[0] + 2


def test_who_only_waits_for_their_turn_needs_no_eye(desk: SignIn) -> None:  # noqa: F811
    old = Now() - timedelta(hours=3)
    problem = {"code": "provider_limit", "detail": "Waits for its turn"}
    row = rows.operation(wallet(), problem=problem)
    WalletOperation.objects.filter(pk=row.pk).update(created_at=old)
    client = desk("support")
    assert row.pk not in client.get(PAGE).content.decode()
    assert row.pk in client.get(f"{PAGE}?view=live").content.decode()
    assert "It waits for its turn" in client.get(f"{PAGE}{row.pk}/").content.decode()


@pytest.mark.parametrize(("limit", "ids"), [(0, []), (2, []), (1, ["offerhub.E003"])])
def test_a_limit_under_which_nothing_goes_is_refused(
    settings: Any, limit: int, ids: list[str]
) -> None:
    settings.PROVIDER_LIMIT = limit
    assert [error.id for error in run_checks() if error.id == "offerhub.E003"] == ids

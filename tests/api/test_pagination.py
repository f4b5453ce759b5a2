"""Pages: complete, newest first, steady while rows are added, at one query each."""

import base64
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict

from offerhub.api.pagination import page_at_hand
from offerhub.core.errors import InvalidRequest
from offerhub.marketplaces.models import Marketplace
from tests.api.conftest import Api
from tests.statements import Statements

pytestmark = pytest.mark.django_db


def ids(body: dict[str, Any]) -> list[str]:
    return [row["id"] for row in body["data"]]


def test_pages_cover_every_row_once_newest_first(api: Api) -> None:
    Marketplace.objects.bulk_create(Marketplace(name=f"m{n}") for n in range(24))
    expected = list(Marketplace.objects.order_by("-pk").values_list("pk", flat=True))
    found, cursor = [], ""
    while True:
        body = api.get(f"/toys?limit=10{cursor}").json()
        found += ids(body)
        Marketplace.objects.create(name="meanwhile")  # newer than the first page: not seen again
        if not body["hasMore"]:
            break
        cursor = f"&cursor={body['nextCursor']}"
    assert found == expected
    assert body["nextCursor"] is None


def test_a_list_at_hand_is_cut_by_the_same_rules_in_its_own_order() -> None:
    rows = [{"id": f"2026-10-{day:02}"} for day in range(1, 6)]
    found, query = [], "limit=2"
    while True:
        page = page_at_hand(rows, QueryDict(query))
        found.append(ids(page))
        if not page["hasMore"]:
            break
        query = f"limit=2&cursor={page['nextCursor']}"
    assert [len(part) for part in found] == [2, 2, 1]
    assert [id for part in found for id in part] == ids({"data": rows})
    assert page["nextCursor"] is None
    assert page_at_hand([], QueryDict("")) == {"data": [], "hasMore": False, "nextCursor": None}
    for query in ("limit=0", "cursor=_"):
        with pytest.raises(InvalidRequest):
            page_at_hand(rows, QueryDict(query))


def test_twenty_are_shown_when_nothing_is_said(api: Api) -> None:
    Marketplace.objects.bulk_create(Marketplace(name=f"m{n}") for n in range(24))
    assert len(api.get("/toys").json()["data"]) == 20


def test_an_exact_page_has_no_next(api: Api) -> None:
    Marketplace.objects.bulk_create(Marketplace(name="exact") for n in range(4))
    assert api.get("/toys?name=exact&limit=4").json()["hasMore"] is False
    assert api.get("/toys?name=exact&limit=3").json()["hasMore"] is True


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "ten", "1.5", "", " 5", "٣", "1e1", "99999999"]
)
def test_a_limit_outside_1_to_100_is_named(api: Api, limit: str) -> None:
    answer = api.get(f"/toys?limit={limit}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "limit")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!!",
        "a" * 1000,
        base64.urlsafe_b64encode(b"2:mkt_1").decode(),
        base64.urlsafe_b64encode(b"1:\x00").decode(),
        base64.urlsafe_b64encode("1:ü".encode()).decode(),
        "%00",
        "ü",
    ],
)
def test_a_cursor_that_no_list_answered_is_named(api: Api, cursor: str) -> None:
    answer = api.get(f"/toys?cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")
    assert answer.json()["errors"][0]["field"] == "cursor"


def test_a_page_is_one_query_of_any_size(api: Api) -> None:
    Marketplace.objects.bulk_create(Marketplace(name=f"m{n}") for n in range(100))
    api.get("/me")
    for limit in (1, 100):
        with Statements(connection) as queries:
            api.get(f"/toys?limit={limit}")
        assert len(queries) == 1

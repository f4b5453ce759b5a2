"""Deposits over HTTP and in the back-office."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory

from offerhub.deposits.models import ChainCursor, Deposit, QuarantinedEvent, WalletScan
from offerhub.marketplaces.models import StaffUser
from tests.deposits.scene import Scene
from tests.http import Api
from tests.statements import Statements
from tests.world import World


@pytest.fixture
def rich(scene: Scene) -> Scene:
    """Ann got 5 and 7, Bob 9, and the platform wallet something that is nobody's."""
    bob = scene.world.user("bob")
    scene.network.mint(scene.address, "5")
    scene.network.mint(scene.world.wallet(bob).address, "9")
    scene.network.mint(scene.address, "7")
    scene.network.mint(scene.own("PLATFORM").address, "1")
    scene.watch()
    return scene


def _amounts(answer: Any) -> list[str]:
    return [row["amount"] for row in answer["data"]]


def test_a_deposit_shows_where_it_came_from(rich: Scene, api: Api) -> None:
    rows = api.get("/deposits?userId=ann")["data"]
    shown = api.get(f"/deposits/{rows[0]['id']}")
    assert shown == rows[0]
    row = rich.deposits(address=rich.address)[-1]
    assert shown == {
        "id": row.id,
        "status": "CREDITED",
        "reason": None,
        "userId": rich.ann.id,
        "userExternalId": "ann",
        "amount": "7.00",
        "asset": {"code": "USDC", "issuer": rich.player.issuer},
        "address": rich.address,
        "holder": "wallet",
        "sender": None,
        "memo": None,
        "hash": row.tx_hash,
        "operation": row.operation,
        "ledger": row.ledger,
        "closedAt": row.closed_at.isoformat().replace("+00:00", "Z"),
        "recordedAt": row.recorded_at.isoformat().replace("+00:00", "Z"),
    }


def test_lists_are_newest_first_and_filtered(rich: Scene, api: Api) -> None:
    assert _amounts(api.get("/deposits?userId=ann")) == ["7.00", "5.00"]
    assert _amounts(api.get(f"/deposits?userId={rich.ann.id}")) == ["7.00", "5.00"]
    assert _amounts(api.get("/deposits?userId=bob&status=CREDITED")) == ["9.00"]
    suspense = api.get("/deposits?status=SUSPENSE")["data"]
    assert [(d["amount"], d["reason"], d["userId"]) for d in suspense] == [
        ("1.00", "own_wallet", None)
    ]
    everything = api.get("/deposits")
    assert _amounts(everything) == ["1.00", "7.00", "9.00", "5.00", "10000.00"]  # the last: capital


def test_pages_follow_each_other_without_a_gap(rich: Scene, api: Api) -> None:
    seen: list[str] = []
    path = "/deposits?limit=2"
    while path:
        answer = api.get(path)
        seen += _amounts(answer)
        path = f"/deposits?limit=2&cursor={answer['nextCursor']}" if answer["hasMore"] else ""
    assert seen == _amounts(api.get("/deposits"))


@pytest.mark.parametrize(
    ("query", "status"), [("status=LOST", 400), ("nobody=1", 400), ("userId=usr_nobody", 404)]
)
def test_filters_that_mean_nothing_are_refused(
    rich: Scene, api: Api, query: str, status: int
) -> None:
    api.get(f"/deposits?{query}", status=status)


def test_another_marketplaces_deposits_do_not_exist(rich: Scene, api: Api, server: str) -> None:
    other = Api(server, World(rich.network).key())
    deposit = rich.deposits()[0].id
    other.get(f"/deposits/{deposit}", status=404)
    other.get(f"/deposits?userId={rich.ann.id}", status=404)
    assert set(_amounts(other.get("/deposits"))) <= {"10000.00"}
    api.get(f"/deposits/{deposit}")


def test_a_key_without_the_scope_sees_nothing(rich: Scene, server: str) -> None:
    blind = Api(server, rich.world.key("orders:read"))
    blind.get("/deposits", status=403)
    blind.get(f"/deposits/{rich.deposits()[0].id}", status=403)


def test_a_list_of_any_length_takes_one_query(rich: Scene) -> None:
    from offerhub.deposits.bodies import deposit_body

    with Statements(connection) as captured:
        rows = Deposit.objects.of(rich.world.marketplace.id).for_display()
        assert len([deposit_body(row) for row in rows]) == 5
    assert len(captured) == 1


# --- the back-office --------------------------------------------------------------------------
@pytest.mark.parametrize("model", [ChainCursor, Deposit, QuarantinedEvent, WalletScan])
def test_nobody_can_change_anything_in_the_back_office(committed: None, model: Any) -> None:
    page = admin.site._registry[model]
    request = RequestFactory().get("/")
    request.user = StaffUser(is_staff=True, is_superuser=True)
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)
    assert page.actions is None


def test_suspense_is_visible_in_the_back_office(rich: Scene) -> None:
    user, _ = StaffUser.objects.get_or_create(
        username="deposits-desk", defaults={"is_staff": True, "is_superuser": True}
    )
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    row = rich.deposits(status="SUSPENSE")[0]
    listed = client.get("/admin/deposits/deposit/?status__exact=SUSPENSE")
    assert listed.status_code == 200
    assert row.id in listed.content.decode()
    shown = client.get(f"/admin/deposits/deposit/{row.id}/change/")
    assert shown.status_code == 200
    assert "Own wallet" in shown.content.decode()
    for model in ("chaincursor", "quarantinedevent", "walletscan"):
        assert client.get(f"/admin/deposits/{model}/").status_code == 200

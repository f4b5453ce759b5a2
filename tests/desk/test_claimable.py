"""Claimable balances at the desk: what is shown, who may claim, and what is refused."""

from typing import Any

import pytest

from offerhub.audit.models import StaffAction
from offerhub.chain.network import current
from offerhub.claims.models import Claim, ClaimableBalance, ClaimWatch
from tests.desk import rows
from tests.desk.conftest import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("network")]


def balance(**changes: Any) -> ClaimableBalance:
    """Half a USDC for Ada: too little to be claimed by itself."""
    market = rows.market()
    values: dict[str, Any] = {
        "marketplace": market,
        "wallet": rows.user(market, "ada").wallet,
        "network": "sandbox",
        "balance_id": "0" * 72,
        "asset_code": "USDC",
        "asset_issuer": current().usdc_issuer,
        "amount": 5_000_000,
        "sponsor": rows.SENDER,
        "predicate": {"unconditional": True},
        "ledger": 9,
        "state": "REFUSED",
        "reason": "too_small",
    }
    return ClaimableBalance.objects.create(**values | changes)


def test_a_crumb_is_shown_and_claimed_by_whoever_may(desk: SignIn) -> None:
    row = balance()
    client, address = desk("finance"), f"/admin/claimable/{row.pk}/"
    listed = client.get("/admin/claimable/").content.decode()
    assert row.pk in listed and "0.50" in listed and "less than what is claimed" in listed
    assert "/admin/claimable/" in client.get("/admin/suspense/").content.decode()
    assert "Show what it will do" in client.get(address).content.decode()
    assert "ada is credited" in client.get(f"{address}claim/").content.decode()
    assert Claim.objects.count() == 0
    answer = client.post(f"{address}claim/")
    assert (answer.status_code, answer.headers["Location"]) == (302, address)
    made = Claim.objects.get()
    assert (made.kind, made.balance, made.source_wallet) == ("CLAIM", row, row.wallet)
    assert ClaimableBalance.objects.get(pk=row.pk).state == "CLAIMING"
    acted = StaffAction.objects.get()
    assert (acted.action, acted.subject) == ("claimable_balance.claim", row.pk)
    again = client.post(f"{address}claim/")
    assert again.status_code == 409 and "on its way" in again.content.decode()
    assert (Claim.objects.count(), StaffAction.objects.count()) == (1, 1)
    assert "Its claim is on its way" in client.get(address).content.decode()
    assert row.pk in client.get("/admin/operations/?view=live&of=claims").content.decode()


def test_what_no_wallet_can_take_is_claimed_by_nobody(desk: SignIn) -> None:
    row = balance(asset_code="XLM", asset_issuer="", reason="native_asset")
    client, address = desk("finance"), f"/admin/claimable/{row.pk}/claim/"
    assert "Claim it" not in client.get(address).content.decode()
    assert client.post(address).status_code == 409
    assert (Claim.objects.count(), StaffAction.objects.count()) == (0, 0)


@pytest.mark.parametrize("role", ["support", "read_only"])
def test_who_may_not_decide_is_refused(desk: SignIn, role: str) -> None:
    row = balance()
    client = desk(role)
    assert client.get(f"/admin/claimable/{row.pk}/").status_code == 200
    assert client.post(f"/admin/claimable/{row.pk}/claim/").status_code == 403
    assert client.post("/admin/claimable/look/", {"wallet": row.wallet.pk}).status_code == 403
    assert (Claim.objects.count(), ClaimWatch.objects.count()) == (0, 0)


def test_a_wallet_is_looked_at_next_when_somebody_asks(desk: SignIn) -> None:
    row = balance()
    client = desk("operations")
    for named in (row.wallet.address, row.wallet.user_id):
        ClaimWatch.objects.all().delete()
        assert client.post("/admin/claimable/look/", {"wallet": named}).status_code == 302
        assert ClaimWatch.objects.get().due_at.year == 2000
    assert client.post("/admin/claimable/look/", {"wallet": "nobody"}).status_code == 404

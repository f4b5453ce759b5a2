"""Deposits in suspense: who may decide, what is shown before, and what is refused."""

from typing import Any

import pytest

from ledger.balances import account_balance, user_balance
from offerhub.audit.models import StaffAction
from offerhub.chain.network import current
from offerhub.deposits.models import Deposit
from offerhub.events.models import Event
from offerhub.suspense.models import Clearance
from offerhub.users.models import Wallet
from tests.desk import rows
from tests.desk.conftest import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("network")]


def deposit(**changes: Any) -> Deposit:
    """Five USDC at the marketplace's own wallet."""
    return rows.suspended(rows.market(), asset_issuer=current().usdc_issuer, **changes)


def test_the_list_shows_what_waits_and_why(desk: SignIn) -> None:
    row = deposit()
    page = desk("read_only").get("/admin/suspense/").content.decode()
    assert row.pk in page
    assert "5.00" in page
    assert "no user" in page


def test_assigning_asks_for_a_payment_and_credits_nobody_yet(desk: SignIn) -> None:
    row = deposit()
    user = rows.user(row.marketplace, "ada")
    client, address = desk("finance"), f"/admin/deposit/{row.pk}/assign/"
    shown = client.get(address, {"user": "ada"}).content.decode()
    assert "Give it to ada" in shown
    assert Clearance.objects.count() == 0
    answer = client.post(address, {"user": user.pk, "reason": "They wrote to us"})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/deposit/{row.pk}/")
    made = Clearance.objects.get()
    assert (made.kind, made.user, made.amount) == ("ASSIGN", user, row.amount)
    assert made.destination == user.wallet.address
    assert user_balance(user.pk, "USDC").total == 0
    assert Deposit.objects.get(pk=row.pk).status == "SUSPENSE"
    assert suspense(row) == row.amount
    acted = StaffAction.objects.get()
    assert (acted.action, acted.subject) == ("deposit.assign", row.pk)
    assert acted.reason == "They wrote to us"
    assert Event.objects.filter(subject=row.pk).get().type == "deposit.assignment_requested"


def suspense(row: Deposit) -> int:
    return account_balance(marketplace_id=row.marketplace_id, kind="suspense", asset="USDC")


def test_a_second_decision_is_refused_while_the_first_is_on_its_way(desk: SignIn) -> None:
    row = deposit()
    rows.user(row.marketplace, "ada")
    client = desk("finance")
    body = {"user": "ada", "reason": "x"}
    assert client.post(f"/admin/deposit/{row.pk}/assign/", body).status_code == 302
    for word in ("assign", "return"):
        answer = client.post(f"/admin/deposit/{row.pk}/{word}/", body)
        assert answer.status_code == 409
        assert "is on its way" in answer.content.decode()
    assert Clearance.objects.count() == 1
    assert StaffAction.objects.count() == 1


@pytest.mark.parametrize("role", ["support", "senior_support", "read_only"])
def test_who_may_not_decide_is_refused(desk: SignIn, role: str) -> None:
    row = deposit()
    rows.user(row.marketplace, "ada")
    for word in ("assign", "return"):
        answer = desk(role).post(f"/admin/deposit/{row.pk}/{word}/", {"user": "ada", "reason": "x"})
        assert answer.status_code == 403
    assert Clearance.objects.count() == 0


def test_nobody_of_another_marketplace_and_no_dead_wallet_gets_it(desk: SignIn) -> None:
    row, other = deposit(), rows.market("Other")
    rows.user(other, "eve")
    dead = rows.user(row.marketplace, "dead")
    Wallet.objects.filter(user=dead).update(status="PENDING")
    client, address = desk("operations"), f"/admin/deposit/{row.pk}/assign/"
    assert client.post(address, {"user": "eve", "reason": "x"}).status_code == 404
    assert client.post(address, {"user": "dead", "reason": "x"}).status_code == 422
    assert client.post(address, {"user": "", "reason": "x"}).status_code == 404
    assert Clearance.objects.count() == 0
    assert StaffAction.objects.count() == 0


def test_a_decision_says_why(desk: SignIn) -> None:
    row = deposit()
    rows.user(row.marketplace, "ada")
    answer = desk("finance").post(f"/admin/deposit/{row.pk}/assign/", {"user": "ada"})
    assert answer.status_code == 400
    assert Clearance.objects.count() == 0


def test_another_asset_is_nobodys_balance_and_dust_stays_with_its_contract(desk: SignIn) -> None:
    other = rows.suspended(rows.market(), reason="wrong_issuer")
    dust = deposit(holder="contract", reason="contract_dust", address="C" + "A" * 55)
    client = desk("finance")
    for row in (other, dust):
        rows.user(row.marketplace, "ada")
        answer = client.post(f"/admin/deposit/{row.pk}/assign/", {"user": "ada", "reason": "x"})
        assert answer.status_code == 409
    assert Clearance.objects.count() == 0


@pytest.mark.parametrize("sender", ["", "issuer", "C" + "A" * 55])
def test_what_can_not_be_taken_back_is_not_sent(desk: SignIn, sender: str) -> None:
    row = deposit(sender=current().usdc_issuer if sender == "issuer" else sender)
    answer = desk("finance").post(f"/admin/deposit/{row.pk}/return/", {"reason": "x"})
    assert answer.status_code == 409
    assert Clearance.objects.count() == 0

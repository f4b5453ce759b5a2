"""The page of operations: what needs an eye, in words, and asking again by the domain's rules."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from offerhub.audit.models import StaffAction
from offerhub.users.models import Wallet
from offerhub.wallets.models import WalletOperation
from tests.desk import rows
from tests.desk.conftest import SignIn
from tests.statements import Statements

pytestmark = pytest.mark.django_db
LATER = timezone.now() + timedelta(hours=1)


def wallet() -> Wallet:
    return rows.user(rows.market(), "ada").wallet


def test_what_is_unknown_or_old_needs_an_eye_and_what_is_young_does_not(desk: SignIn) -> None:
    first = rows.operation(wallet())
    other = rows.user(rows.market("Other"), "bob").wallet
    unknown = rows.operation(other, status="UNKNOWN", hash="c" * 64)
    page = desk("support").get("/admin/operations/").content.decode()
    assert unknown.pk in page
    assert first.pk not in page
    WalletOperation.objects.filter(pk=first.pk).update(created_at=Now() - timedelta(minutes=11))
    assert first.pk in desk("support").get("/admin/operations/").content.decode()


def test_the_list_takes_as_many_statements_for_many_as_for_one(desk: SignIn) -> None:
    market, client = rows.market(), desk("support")
    client.get("/admin/operations/")  # the first request of a session asks for more
    counts = []
    for number in (1, 9):
        for name in range(number):
            rows.operation(rows.user(market, f"u{number}-{name}").wallet, status="UNKNOWN")
        with Statements(connection) as seen:
            assert client.get("/admin/operations/").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_looking_now_makes_it_due_and_is_in_the_audit(desk: SignIn) -> None:
    row = rows.operation(wallet(), status="UNKNOWN", hash="c" * 64, looks=9, next_attempt_at=LATER)
    answer = desk("operations").post(f"/admin/operations/{row.pk}/")
    assert answer.status_code == 302
    after = WalletOperation.objects.get(pk=row.pk)
    assert after.next_attempt_at < timezone.now() + timedelta(seconds=5)
    assert (after.looks, after.status, after.hash) == (0, "UNKNOWN", "c" * 64)
    assert [(each.action, each.subject) for each in StaffAction.objects.all()] == [
        ("operation.retried", row.pk)
    ]


def test_only_operations_staff_may_ask_again(desk: SignIn) -> None:
    row = rows.operation(wallet(), next_attempt_at=LATER)
    for role in ("support", "senior_support", "finance", "read_only"):
        assert desk(role).post(f"/admin/operations/{row.pk}/").status_code == 403
    assert WalletOperation.objects.get(pk=row.pk).next_attempt_at == LATER
    assert StaffAction.objects.count() == 0


def test_a_wallet_that_could_not_come_to_life_is_tried_again(desk: SignIn) -> None:
    dead = wallet()
    row = rows.operation(dead, status="FAILED", problem={"code": "op_malformed", "detail": "no"})
    Wallet.objects.filter(pk=dead.pk).update(status="FAILED")
    answer = desk("operations").post(f"/admin/operations/{row.pk}/")
    assert answer.status_code == 302
    assert Wallet.objects.get(pk=dead.pk).status == "PENDING"
    assert WalletOperation.objects.get(pk=row.pk).status == "FAILED"


def test_what_is_over_is_not_asked_again(desk: SignIn) -> None:
    row = rows.operation(wallet(), status="CONFIRMED", ledger=3)
    answer = desk("operations").post(f"/admin/operations/{row.pk}/")
    assert answer.status_code == 409
    assert "Nothing was done." in answer.content.decode()
    assert WalletOperation.objects.count() == 1
    assert StaffAction.objects.count() == 0


def test_a_problem_with_markup_is_shown_as_text(desk: SignIn) -> None:
    row = rows.operation(wallet(), problem={"code": "x", "detail": "<script>alert(1)</script>"})
    page = desk("support").get(f"/admin/operations/{row.pk}/").content.decode()
    assert "<script>alert" not in page


def test_an_operation_that_is_not_there_is_not_found(desk: SignIn) -> None:
    assert desk("support").get("/admin/operations/opr_nothing/").status_code == 404

"""Withdrawals over the limit wait for a person of the desk, their money set aside."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from offerhub.approvals import errors
from offerhub.approvals.models import Approval, Proposal
from offerhub.approvals.tasks import expire_due
from offerhub.audit.models import StaffAction
from offerhub.core import clock
from offerhub.core.actor import Actor, ActorKind, system
from offerhub.core.errors import WrongState
from offerhub.events.models import Event
from offerhub.marketplaces import staff
from payouts import decisions
from payouts.checks import guard_is_in_place
from payouts.models import Withdrawal, WithdrawalAttempt
from payouts.tasks import approvals_ended
from tests.payouts.scene import HELD, PAID, UNTOUCHED, Scene


@pytest.fixture(autouse=True)
def limit(settings: Any) -> None:
    settings.WITHDRAWAL_APPROVAL_THRESHOLD = "24.99"


def person() -> Actor:
    made = staff.create_staff(username=f"p{uuid4().hex[:12]}", password="correct horse battery")
    return Actor(ActorKind.STAFF, made.user.public_id)


def proposal_of(withdrawal: str) -> Proposal:
    found: Proposal | None = (
        Withdrawal.objects.select_related("proposal").get(pk=withdrawal).proposal
    )
    assert found is not None
    return found


def decide(withdrawal: str, *, reject: bool = False, actor: Actor | None = None) -> Withdrawal:
    proposal = proposal_of(withdrawal)
    act = decisions.reject if reject else decisions.approve
    return act(proposal_id=proposal.id, digest=proposal.digest, actor=actor or person(), note="n")


def events(withdrawal: str) -> list[str]:
    rows = Event.objects.filter(subject=withdrawal).order_by("sequence")
    return list(rows.values_list("type", flat=True))


def test_over_the_limit_nothing_is_signed_before_somebody_agrees(scene: Scene) -> None:
    answer = scene.api.post("/withdrawals", scene.body(), status=202)
    withdrawal = answer["id"]
    assert (answer["status"], answer["operation"], answer["hash"]) == ("REQUESTED", None, None)
    assert answer["approval"]["status"] == "OPEN"
    assert answer["approval"]["why"] == "25.00 USDC is more than 24.99 USDC"
    assert scene.money() == HELD
    scene.world.work()
    assert not WithdrawalAttempt.objects.filter(withdrawal=withdrawal).exists()
    assert scene.payments() == 0
    decide(withdrawal)
    scene.world.work()
    answer = scene.api.get(f"/withdrawals/{withdrawal}")
    assert (answer["status"], answer["approval"]["status"]) == ("COMPLETED", "APPROVED")
    assert scene.money() == PAID and scene.payments() == 1
    assert events(withdrawal) == [
        "withdrawal.requested",
        "withdrawal.approved",
        "withdrawal.submitted",
        "withdrawal.completed",
    ]
    assert scene.books_are_right()


def test_at_the_limit_or_without_one_nobody_is_asked(scene: Scene, settings: Any) -> None:
    for text in ("25", "0", ""):
        settings.WITHDRAWAL_APPROVAL_THRESHOLD = text
        row = Withdrawal.objects.get(pk=scene.ask("25"))
        assert row.proposal is None and row.attempts.count() == 1


def test_rejected_the_money_is_back(scene: Scene) -> None:
    withdrawal = scene.ask()
    decide(withdrawal, reject=True)
    row = scene.row(withdrawal)
    assert (row.status, (row.problem or {})["code"]) == ("FAILED", "approval_rejected")
    assert scene.money() == UNTOUCHED
    with pytest.raises(WrongState):
        decide(withdrawal)
    scene.world.work()
    assert (scene.payments(), scene.money()) == (0, UNTOUCHED)
    assert scene.books_are_right()


def test_when_nobody_decides_in_time_the_money_is_back(scene: Scene, monkeypatch: Any) -> None:
    withdrawal, now = scene.ask(), clock.now()
    assert (approvals_ended(), scene.money()) == ([], HELD)
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=49))
    with pytest.raises(errors.ProposalExpired):
        decide(withdrawal)
    expire_due()
    for job, row_id in approvals_ended():
        assert job == "payouts.approval_ended"
        decisions.follow(withdrawal_id=row_id, actor=system("test"))
        decisions.follow(withdrawal_id=row_id, actor=system("test"))
    row = scene.row(withdrawal)
    assert (row.status, (row.problem or {})["code"]) == ("FAILED", "approval_expired")
    assert scene.money() == UNTOUCHED and scene.books_are_right()


def test_whoever_asked_can_call_it_back_while_it_waits(scene: Scene) -> None:
    withdrawal = scene.ask()
    answer = scene.api.post(f"/withdrawals/{withdrawal}/cancel", {"reason": "mistake"})
    assert (answer["status"], answer["approval"]["status"]) == ("CANCELLED", "WITHDRAWN")
    assert scene.money() == UNTOUCHED
    with pytest.raises(WrongState):
        decide(withdrawal)
    assert not Approval.objects.filter(proposal=proposal_of(withdrawal)).exists()
    assert (scene.payments(), scene.books_are_right()) == (0, True)


def test_it_is_not_given_up_while_it_waits_but_rejected(scene: Scene) -> None:
    withdrawal = scene.ask()
    with pytest.raises(WrongState, match="reject it instead"):
        scene.give_up(withdrawal)
    assert (scene.row(withdrawal).status, scene.money()) == ("REQUESTED", HELD)


def test_once_approved_it_can_not_be_decided_again(scene: Scene) -> None:
    withdrawal = scene.ask()
    decide(withdrawal)
    for reject in (False, True):
        with pytest.raises(WrongState):
            decide(withdrawal, reject=reject)
    assert scene.row(withdrawal).attempts.count() == 1


def test_only_a_person_agrees_and_to_nothing_else_than_was_asked(scene: Scene) -> None:
    withdrawal = scene.ask()
    with pytest.raises(errors.NotStaff):
        decide(withdrawal, actor=scene.world.actor)
    with pytest.raises(errors.ProposalChanged):
        decisions.approve(proposal_id=proposal_of(withdrawal).id, digest="0" * 64, actor=person())
    assert (scene.row(withdrawal).status, scene.money()) == ("REQUESTED", HELD)
    assert proposal_of(withdrawal).payload["destination"] == scene.destination


@pytest.mark.parametrize("setting", ["", "SET LOCAL session_replication_role = replica"])
def test_the_database_lets_no_payment_begin_before(scene: Scene, setting: str) -> None:
    withdrawal = scene.ask()
    with pytest.raises(DatabaseError, match="waits for approval"), transaction.atomic():
        if setting:
            with connection.cursor() as cursor:
                cursor.execute(setting)
        WithdrawalAttempt.objects.create(
            marketplace_id=scene.world.marketplace.id,
            withdrawal_id=withdrawal,
            source_wallet=scene.wallet,
            kind="PAYMENT",
        )
    with pytest.raises(DatabaseError), transaction.atomic():
        Withdrawal.objects.filter(pk=withdrawal).update(proposal=None)
    scene.world.work()
    assert (scene.payments(), scene.money()) == (0, HELD)


def test_a_database_without_the_guard_may_not_serve(committed: None) -> None:
    assert guard_is_in_place(databases=["default"]) == []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE payouts_withdrawalattempt DISABLE TRIGGER attempt_is_approved"
            )
        assert len(guard_is_in_place(databases=["default"])) == 1
        transaction.set_rollback(True)


def test_on_its_page_it_is_approved_by_a_press(scene: Scene, settings: Any, tmp_path: Any) -> None:
    settings.STATIC_ROOT, settings.STAFF_CODE_OPTIONAL = tmp_path, True
    withdrawal = scene.ask()
    proposal = proposal_of(withdrawal)
    address = f"/admin/approvals/withdrawals/{proposal.id}/"
    clients = {}
    for role in ("support", "finance"):
        new = staff.create_staff(
            username=f"p{uuid4().hex[:12]}", password="correct horse battery", roles=[role]
        )
        clients[role] = Client()
        clients[role].force_login(new.user, "django.contrib.auth.backends.ModelBackend")
    form = {"verdict": "approve", "digest": proposal.digest}
    assert scene.destination in clients["finance"].get(address).content.decode()
    assert clients["support"].post(address, form).status_code == 403
    assert (scene.row(withdrawal).attempts.count(), scene.money()) == (0, HELD)
    assert clients["finance"].post(address, form).status_code == 302
    scene.world.work()
    assert (scene.row(withdrawal).status, scene.money()) == ("COMPLETED", PAID)
    assert StaffAction.objects.filter(subject=withdrawal).count() == 1

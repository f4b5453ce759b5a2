"""Four eyes: who may decide what, in the services and in the database."""

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from hypothesis import given
from hypothesis import strategies as st

from offerhub.approvals import errors, services
from offerhub.approvals.checks import GUARDS, guards_are_in_place
from offerhub.approvals.models import Approval, Proposal
from offerhub.approvals.rule import Rule
from offerhub.approvals.tasks import expire_due
from offerhub.core import clock
from offerhub.core.actor import Actor, ActorKind, system
from offerhub.core.errors import NotFound
from offerhub.events.models import Event
from offerhub.marketplaces import services as marketplaces
from offerhub.marketplaces import staff
from offerhub.marketplaces.models import StaffUser

SMALL = Rule(threshold=100, order_sum=150, proposer_day=300)


def person(*, superuser: bool = False) -> Actor:
    made = staff.create_staff(
        username=f"p{uuid4().hex[:12]}", password="correct horse battery", is_superuser=superuser
    )
    return Actor(ActorKind.STAFF, made.user.public_id)


class Desk:
    """A marketplace, somebody who proposes, and somebody else."""

    def __init__(self) -> None:
        self.marketplace = marketplaces.create_marketplace(name="Shop", actor=system("test"))
        self.ana, self.ben = person(), person()
        self.order = f"ord_{uuid4().hex[:10]}"

    def propose(self, amount: int = 101, **other: Any) -> Proposal:
        named: dict[str, Any] = {
            "marketplace_id": self.marketplace.id,
            "kind": "test",
            "subject": f"dsp_{uuid4().hex[:10]}",
            "subject_version": 3,
            "group": self.order,
            "payload": {"seller": amount, "text": "é"},
            "amount": amount,
            "actor": self.ana,
            "rule": SMALL,
        }
        return services.propose(**{**named, **other})

    def approve(self, proposal: Proposal, **other: Any) -> Proposal:
        named: dict[str, Any] = {
            "proposal_id": proposal.id,
            "digest": proposal.digest,
            "subject_version": 3,
            "actor": self.ben,
        }
        return services.approve(**{**named, **other})


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


def status(proposal: Proposal) -> str:
    return str(Proposal.objects.get(pk=proposal.pk).status)


def untouched(proposal: Proposal) -> bool:
    """Still open, and nobody has said anything."""
    return status(proposal) == "OPEN" and not Approval.objects.filter(proposal=proposal).exists()


# --- the rule


LIMIT = st.none() | st.integers(0, 900)


@given(st.lists(st.integers(1, 400), max_size=12), LIMIT, LIMIT, LIMIT)
def test_on_the_spot_nobody_ever_gets_past_a_limit(
    amounts: list[int], threshold: int | None, order_sum: int | None, day: int | None
) -> None:
    rule = Rule(threshold=threshold, order_sum=order_sum, proposer_day=day)
    spot: list[int] = []
    for amount in amounts:
        before = sum(spot)
        why = rule.why(amount, before, before)
        over = (
            (threshold is not None and amount > threshold)
            or (order_sum is not None and before + amount > order_sum)
            or (day is not None and before + amount > day)
        )
        assert bool(why) == over
        if not why:
            spot.append(amount)
    assert all(limit is None or sum(spot) <= limit for limit in (order_sum, day))
    assert threshold is None or all(amount <= threshold for amount in spot)


def test_zero_asks_for_one_stroop_and_no_limit_asks_for_nothing() -> None:
    assert Rule(threshold=0).why(1, 0, 0) == "Nobody decides this alone"
    assert Rule().why(10**18, 10**18, 10**18) == ""


@pytest.mark.django_db
def test_at_the_threshold_it_is_approved_on_the_spot_and_over_it_is_not(desk: Desk) -> None:
    small, large = desk.propose(100), desk.propose(101)
    assert (small.status, small.required, small.why_required) == ("APPROVED", 0, "")
    assert (large.status, large.required) == ("OPEN", 1)
    assert large.why_required == "0.0000101 USDC is more than 0.00001 USDC"
    assert not Approval.objects.exists()


@pytest.mark.django_db
def test_slices_under_the_threshold_are_added_up_per_order(desk: Desk) -> None:
    assert [desk.propose(50).status for _ in range(4)] == ["APPROVED"] * 3 + ["OPEN"]
    assert desk.propose(50, group="ord_other", actor=desk.ben).status == "APPROVED"


@pytest.mark.django_db
def test_slices_are_added_up_per_proposer_and_day(desk: Desk) -> None:
    def slices(count: int) -> list[str]:
        return [desk.propose(100, group=f"o{uuid4().hex[:9]}").status for _ in range(count)]

    assert slices(4) == ["APPROVED"] * 3 + ["OPEN"]
    assert desk.propose(100, group="ord_b", actor=desk.ben).status == "APPROVED"


def test_a_day_later_the_sum_begins_anew(db: None, monkeypatch: Any) -> None:
    desk = Desk()
    for i in range(3):
        desk.propose(100, group=f"o{i}")
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=23, minutes=59))
    assert desk.propose(100, group="o4").status == "OPEN"
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=24, minutes=1))
    assert desk.propose(100, group="o5").status == "APPROVED"


# --- deciding


@pytest.mark.django_db
def test_a_second_person_approves_and_it_is_executed_once(desk: Desk) -> None:
    proposal = desk.propose()
    with pytest.raises(errors.ProposalClosed):
        services.lock_approved(proposal_id=proposal.id, kind="test")
    desk.approve(proposal, note="Agreed")
    said = Approval.objects.get(proposal=proposal)
    assert (said.proposer, said.approver) == (str(desk.ana), str(desk.ben))
    assert (said.digest, said.note, said.verdict) == (proposal.digest, "Agreed", "APPROVE")
    with pytest.raises(NotFound):
        services.lock_approved(proposal_id=proposal.id, kind="other")
    assert services.lock_approved(proposal_id=proposal.id, kind="test").executed_at is not None
    with pytest.raises(errors.ProposalClosed, match="executed already"):
        services.lock_approved(proposal_id=proposal.id, kind="test")
    told = Event.objects.filter(subject=proposal.id).values_list("type", flat=True)
    assert list(told) == ["proposal.opened", "proposal.approved"]


@pytest.mark.django_db
def test_what_was_approved_on_the_spot_is_executed_once_too(desk: Desk) -> None:
    proposal = desk.propose(1)
    services.lock_approved(proposal_id=proposal.id, kind="test")
    with pytest.raises(errors.ProposalClosed):
        services.lock_approved(proposal_id=proposal.id, kind="test")


@pytest.mark.django_db
def test_a_proposer_can_not_approve_whatever_the_session_or_rights(desk: Desk) -> None:
    root = person(superuser=True)
    for who in (desk.ana, root):
        proposal = desk.propose(actor=who)
        again = Actor(ActorKind.STAFF, who.id, "another request of another session")
        for act in (services.approve, services.reject):
            with pytest.raises(errors.ApproverIsProposer):
                act(
                    proposal_id=proposal.id,
                    digest=proposal.digest,
                    subject_version=3,
                    actor=again,
                )
        assert untouched(proposal)


@pytest.mark.django_db
def test_only_active_staff_decide(desk: Desk) -> None:
    proposal, gone = desk.propose(), person()
    StaffUser.objects.filter(public_id=gone.id).update(is_active=False)
    others = [gone, system("test"), Actor(ActorKind.API_KEY, "key_1"), Actor(ActorKind.STAFF, "x")]
    for who in others:
        with pytest.raises(errors.NotStaff):
            desk.approve(proposal, actor=who)
    assert untouched(proposal)


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["deleted", "not active", "key revoked"])
def test_when_the_proposer_is_gone_nobody_approves(desk: Desk, how: str) -> None:
    actor = desk.ana
    if how == "key revoked":
        made = marketplaces.create_api_key(
            marketplace_id=desk.marketplace.id, name="k", scopes=[], actor=system("test")
        )
        actor = Actor(ActorKind.API_KEY, made.key.id)
    proposal = desk.propose(actor=actor)
    people = StaffUser.objects.filter(public_id=desk.ana.id)
    if how == "deleted":
        people.delete()
    elif how == "not active":
        people.update(is_active=False)
    else:
        marketplaces.revoke_api_key(key_id=actor.id, actor=system("test"))
    with pytest.raises(errors.ProposerGone):
        desk.approve(proposal)
    assert untouched(proposal)


@pytest.mark.django_db
def test_an_approval_is_for_exactly_what_was_seen(desk: Desk) -> None:
    proposal = desk.propose()
    with pytest.raises(errors.ProposalChanged) as refused:
        desk.approve(proposal, digest="0" * 64)
    assert refused.value.extra == {"changed": "digest"}
    with pytest.raises(errors.ProposalChanged) as refused:
        desk.approve(proposal, subject_version=4)
    assert refused.value.extra == {"changed": "subject_version"}
    assert untouched(proposal)


@pytest.mark.django_db
def test_the_digest_is_of_everything_that_is_agreed_to(desk: Desk) -> None:
    same: dict[str, Any] = {"subject": "dsp_1"}
    seen = set()
    for other in (
        {},
        {"amount": 102, "payload": {"seller": 101, "text": "é"}},
        {"payload": {"seller": 101, "text": "e"}},
        {"kind": "other"},
        {"subject": "dsp_2"},
        {"subject_version": 4},
    ):
        proposal = desk.propose(**{**same, **other})
        assert services.digest_of(Proposal.objects.get(pk=proposal.pk)) == proposal.digest
        seen.add(proposal.digest)
        services.withdraw(proposal_id=proposal.id, actor=desk.ana)
    assert len(seen) == 6


@pytest.mark.django_db
def test_it_can_not_be_decided_twice_or_after_its_end(desk: Desk) -> None:
    rejected, withdrawn, cancelled = desk.propose(), desk.propose(), desk.propose()
    with pytest.raises(errors.NotTheProposer):
        services.withdraw(proposal_id=withdrawn.id, actor=desk.ben)
    services.reject(
        proposal_id=rejected.id, digest=rejected.digest, subject_version=3, actor=desk.ben
    )
    services.withdraw(proposal_id=withdrawn.id, actor=desk.ana)
    services.cancel(proposal_id=cancelled.id, actor=system("test"))
    for proposal in (rejected, withdrawn, cancelled):
        with pytest.raises(errors.ProposalClosed):
            desk.approve(proposal)
        with pytest.raises(errors.ProposalClosed):
            services.withdraw(proposal_id=proposal.id, actor=desk.ana)
        with pytest.raises(errors.ProposalClosed):
            services.lock_approved(proposal_id=proposal.id, kind="test")
    assert [status(p) for p in (rejected, withdrawn, cancelled)] == [
        "REJECTED",
        "WITHDRAWN",
        "WITHDRAWN",
    ]


@pytest.mark.django_db
def test_after_its_time_nobody_approves_and_the_sweep_ends_it(desk: Desk, monkeypatch: Any) -> None:
    proposal, now = desk.propose(), clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=47))
    expire_due()
    assert status(proposal) == "OPEN"
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=49))
    with pytest.raises(errors.ProposalExpired):
        desk.approve(proposal)
    assert untouched(proposal)
    expire_due()
    expire_due()
    assert status(proposal) == "EXPIRED"
    with pytest.raises(errors.ProposalExpired):
        desk.approve(proposal)
    assert Event.objects.filter(subject=proposal.id, type="proposal.expired").count() == 1


@pytest.mark.django_db
def test_one_proposal_at_a_time_for_a_subject(desk: Desk) -> None:
    first = desk.propose(subject="dsp_1")
    with pytest.raises(errors.AlreadyProposed) as refused:
        desk.propose(subject="dsp_1", actor=desk.ben)
    assert refused.value.extra == {"proposalId": first.id}
    services.withdraw(proposal_id=first.id, actor=desk.ana)
    assert desk.propose(subject="dsp_1", actor=desk.ben).status == "OPEN"


# --- the database, whoever writes


SETTINGS = ["", "SET LOCAL session_replication_role = replica", "SET LOCAL pgtrigger.ignore = '*'"]


def run(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.mark.django_db
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(
    "change",
    [
        "amount = 1",
        "payload = '{}'",
        "digest = repeat('0', 64)",
        "proposer = 'staff:stf_other'",
        "subject = 'x'",
        "subject_version = 4",
        "required = 0",
        "expires_at = expires_at + interval '1 day'",
        "status = 'APPROVED'",
        "status = 'REJECTED'",
        "executed_at = now()",
    ],
)
def test_no_statement_changes_or_decides_a_proposal(desk: Desk, change: str, setting: str) -> None:
    proposal = desk.propose()
    before = Proposal.objects.filter(pk=proposal.pk).values().get()
    with pytest.raises(DatabaseError), transaction.atomic():
        if setting:
            run(setting)
        run(f"UPDATE approvals_proposal SET {change} WHERE id = %s", proposal.id)
    assert Proposal.objects.filter(pk=proposal.pk).values().get() == before


@pytest.mark.django_db
def test_what_is_decided_stays_decided(desk: Desk) -> None:
    proposal = desk.approve(desk.propose())
    services.lock_approved(proposal_id=proposal.id, kind="test")
    for change in ("status = 'OPEN'", "executed_at = NULL", "payload = '{}'", "amount = 10"):
        with pytest.raises(DatabaseError), transaction.atomic():
            run(f"UPDATE approvals_proposal SET {change} WHERE id = %s", proposal.id)
    for table in ("approvals_approval", "approvals_proposal"):
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(DatabaseError), transaction.atomic():
                run(statement)
    with pytest.raises(DatabaseError), transaction.atomic():
        run("UPDATE approvals_approval SET note = 'x'")


def say(proposal: Proposal, **other: Any) -> Approval:
    named: dict[str, Any] = {
        "proposal": proposal,
        "proposer": proposal.proposer,
        "approver": "staff:stf_other",
        "verdict": "APPROVE",
        "digest": proposal.digest,
        "created_at": clock.now(),
    }
    return Approval.objects.create(**{**named, **other})


@pytest.mark.django_db
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(
    "other",
    [
        {"approver": "the proposer"},
        {"approver": "the proposer", "proposer": "staff:stf_somebody"},
        {"proposer": "staff:stf_somebody"},
        {"digest": "0" * 64},
        {"approver": "api_key:key_1"},
        {"approver": "system:payouts"},
        {"verdict": "MAYBE"},
    ],
)
def test_the_database_refuses_an_approval_that_does_not_fit(
    desk: Desk, other: dict[str, str], setting: str
) -> None:
    proposal = desk.propose()
    if other.get("approver") == "the proposer":
        other = {**other, "approver": proposal.proposer}
    with pytest.raises(DatabaseError), transaction.atomic():
        if setting:
            run(setting)
        say(proposal, **other)
    assert untouched(proposal)


@pytest.mark.django_db
def test_the_database_refuses_a_late_or_second_approval(desk: Desk) -> None:
    late = desk.propose(rule=Rule(threshold=1, hours=-1))
    with pytest.raises(DatabaseError, match="does not fit"), transaction.atomic():
        say(late)
    twice = desk.propose()
    say(twice)
    with pytest.raises(IntegrityError), transaction.atomic():
        say(twice, verdict="REJECT")


@pytest.mark.django_db
def test_a_proposal_does_not_begin_approved_where_one_is_required(desk: Desk) -> None:
    row = Proposal.objects.filter(pk=desk.propose().pk).values().get()
    for status, required in (("APPROVED", 1), ("OPEN", 0), ("REJECTED", 1)):
        new = {**row, "id": f"prp_{uuid4().hex[:8]}", "subject": "s", "status": status}
        with pytest.raises(DatabaseError, match="begins open"), transaction.atomic():
            Proposal(**{**new, "required": required}).save(force_insert=True)


@pytest.fixture
def unguarded(db: None) -> None:
    run("ALTER TABLE approvals_proposal DISABLE TRIGGER USER")


@pytest.mark.django_db
def test_edited_past_the_guards_it_is_neither_approved_nor_executed(
    desk: Desk, unguarded: None
) -> None:
    before, after = desk.propose(), desk.approve(desk.propose())
    run("UPDATE approvals_proposal SET payload = '{}' WHERE id IN (%s, %s)", before.id, after.id)
    with pytest.raises(errors.ProposalChanged):
        desk.approve(before)
    with pytest.raises(errors.ProposalChanged):
        services.lock_approved(proposal_id=after.id, kind="test")
    third = desk.propose()
    run("UPDATE approvals_proposal SET status = 'APPROVED' WHERE id = %s", third.id)
    with pytest.raises(errors.ProposalChanged, match="Nobody approved"):
        services.lock_approved(proposal_id=third.id, kind="test")


@pytest.mark.django_db
def test_a_database_without_its_guards_may_not_serve() -> None:
    assert guards_are_in_place(databases=["default"]) == []
    for table, guards in GUARDS.items():
        for guard in sorted(guards):
            with transaction.atomic():
                run(f"ALTER TABLE {table} ENABLE TRIGGER {guard}")
                [error] = guards_are_in_place(databases=["default"])
                assert guard in error.msg
                transaction.set_rollback(True)


# --- at once


def at_once(*works: Any) -> list[Any]:
    """What each answered or raised, all begun together."""
    barrier, answers = threading.Barrier(len(works)), [None] * len(works)

    def run_one(index: int, work: Any) -> None:
        try:
            barrier.wait()
            answers[index] = work()
        except Exception as error:
            answers[index] = error  # type: ignore[call-overload]
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run_one, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_two_approvers_at_once_one_approves(committed: None) -> None:
    desk = Desk()
    proposal, cora = desk.propose(), person()
    answers = at_once(
        lambda: desk.approve(proposal),
        lambda: desk.approve(proposal, actor=cora),
        lambda: desk.approve(proposal),
    )
    assert sorted(type(answer).__name__ for answer in answers) == [
        "Proposal",
        "ProposalClosed",
        "ProposalClosed",
    ]
    assert Approval.objects.filter(proposal=proposal).count() == 1


def test_halves_that_come_at_once_are_added_up(committed: None) -> None:
    desk = Desk()
    answers = at_once(*[lambda: desk.propose(100) for _ in range(4)])
    assert sorted(answer.status for answer in answers) == ["APPROVED", "OPEN", "OPEN", "OPEN"]
    other = Desk()
    answers = at_once(
        *[lambda i=i: other.propose(100, group=f"{other.order}{i}") for i in range(5)]
    )
    assert sorted(answer.status for answer in answers) == ["APPROVED"] * 3 + ["OPEN"] * 2


def test_of_two_proposals_for_a_subject_at_once_one_waits(committed: None) -> None:
    desk = Desk()
    answers = at_once(*[lambda: desk.propose(subject=f"{desk.order}s") for _ in range(3)])
    assert sorted(type(answer).__name__ for answer in answers) == [
        "AlreadyProposed",
        "AlreadyProposed",
        "Proposal",
    ]


def test_of_two_executions_at_once_one_executes(committed: None) -> None:
    desk = Desk()
    proposal = desk.approve(desk.propose())
    answers = at_once(
        *[lambda: services.lock_approved(proposal_id=proposal.id, kind="test") for _ in range(3)]
    )
    assert [type(answer).__name__ for answer in answers].count("Proposal") == 1

"""Deciding: proposals, approval, settlement on the chain, and what comes of failures."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from disputes import following, resolution, services, shares
from disputes.models import Dispute
from disputes.preview import preview
from disputes.states import Party
from ledger.models import Entry, Posting
from offerhub.approvals import errors
from offerhub.approvals.models import Proposal
from offerhub.chain import trustless_work
from offerhub.chain.types import BuildRefused
from offerhub.core import jobs
from offerhub.core.actor import Actor, ActorKind
from offerhub.core.errors import InvalidRequest, WrongState
from offerhub.core.ids import new_id
from offerhub.core.money import format_amount, parse_amount
from offerhub.marketplaces.models import Marketplace, StaffUser
from orders.models import EscrowOperation
from orders.plans import Share
from tests.disputes.conftest import Sale
from tests.world import World

Sales = Callable[..., Sale]


@pytest.fixture
def ana(committed: None) -> Actor:
    """A person of the desk who has decided nothing today."""
    return person()


@pytest.fixture
def ben(committed: None) -> Actor:
    """Another one."""
    return person()


def person() -> Actor:
    user = StaffUser.objects.create(username=new_id("stf"), is_staff=True)
    return Actor(ActorKind.STAFF, user.public_id)


def now(dispute: Dispute) -> Any:
    return Dispute.objects.for_display().get(pk=dispute.pk)


def divide(one: Sale, dispute: Dispute, decision: str, seller: str = "", buyer: str = "") -> Any:
    """The shares of everything in the dispute."""
    amounts = {row.milestone_id: row.milestone.amount for row in now(dispute).milestones.all()}
    split = None
    if decision == "SPLIT":
        split = {"seller": parse_amount(seller), "buyer": parse_amount(buyer)}
    return shares.decided(amounts, decision, split)


def decide(
    one: Sale, dispute: Dispute, parts: list[Share], actor: Actor | None = None, **more: Any
) -> Proposal:
    actor = actor or person()
    return resolution.propose(
        dispute_id=dispute.id, marketplace_id=None, shares=parts, text="So", actor=actor, **more
    )


def outcome(one: Sale, dispute: Dispute) -> tuple[str, str, list[str]]:
    return now(dispute).status, one.order.status, [m.status for m in one.milestones]


def test_a_refund_ends_refunded(sale: Sales, world: World) -> None:
    one = sale("100")
    dispute = one.dispute()
    decide(one, dispute, divide(one, dispute, "REFUND"))
    world.settle()
    assert outcome(one, dispute) == ("RESOLVED", "REFUNDED", ["REFUNDED"])
    assert world.balance(one.buyer)["available"] == "101.00"
    assert world.balance(one.seller)["available"] == "0.00"
    assert world.differences() == []


def test_a_split_ends_completed_and_pays_both(sale: Sales, world: World) -> None:
    one = sale("150")
    dispute = one.dispute()
    decide(one, dispute, divide(one, dispute, "SPLIT", "75", "75"))
    world.settle()
    assert outcome(one, dispute) == ("RESOLVED", "COMPLETED", ["RELEASED"])
    assert (world.balance(one.buyer)["available"], world.balance(one.seller)["available"]) == (
        "76.00",
        "75.00",
    )
    escrow = one.order.escrow
    assert (escrow.status, escrow.balance) == ("CLOSED", 0)
    assert world.differences() == []


def test_an_order_goes_on_when_milestones_remain(sale: Sales, world: World) -> None:
    one = sale("100", "200", "300")
    first, second = one.dispute("m1"), one.dispute("m2")
    decide(one, first, divide(one, first, "REFUND"))
    world.settle()
    assert one.order.status == "DISPUTED"  # the second is open still
    decide(one, second, divide(one, second, "SPLIT", "50", "150"))
    world.settle()
    assert one.order.status == "IN_PROGRESS"
    assert [m.status for m in one.milestones] == ["REFUNDED", "RELEASED", "OPEN"]
    assert world.differences() == []


def test_several_milestones_are_settled_one_after_the_other(sale: Sales, world: World) -> None:
    one = sale("100", "200")
    dispute = one.dispute()
    ids = [m.pk for m in one.milestones]
    parts = [
        Share(ids[0], 0, parse_amount("100")),
        Share(ids[1], parse_amount("120.55"), parse_amount("79.45")),
    ]
    decide(one, dispute, parts)
    world.settle()
    assert outcome(one, dispute) == ("RESOLVED", "COMPLETED", ["REFUNDED", "RELEASED"])
    assert world.balance(one.seller)["available"] == "120.55"
    calls = EscrowOperation.objects.filter(order=one.order_id, kind="RESOLVE")
    assert [call.status for call in calls] == ["CONFIRMED", "CONFIRMED"]
    assert world.differences() == []


@pytest.mark.parametrize("decision", ["RELEASE", "REFUND", "SPLIT"])
@pytest.mark.parametrize("dust", ["", "0.0000001", "3"])
def test_what_is_posted_is_what_was_previewed(
    sale: Sales, world: World, decision: str, dust: str
) -> None:
    Marketplace.objects.filter(pk=world.marketplace.pk).update(platform_fee_percent=5)
    one = sale("300")
    dispute = one.dispute()
    if dust:
        one.dust(dust)
        world.watch()
    parts = divide(one, dispute, decision, "99.99", "200.01")
    seen = preview(now(dispute), parts)
    decide(one, dispute, parts)
    world.settle()
    assert now(dispute).status == "RESOLVED"
    assert lines(settlements(one)) == sums((leg.kind, leg.owner, leg.amount) for leg in seen.legs)
    assert world.balance(one.seller)["available"] == format_amount(seen.seller)
    before = parse_amount("1")
    assert world.balance(one.buyer)["available"] == format_amount(before + seen.buyer)
    assert world.differences() == []


def settlements(one: Sale) -> Any:
    return Entry.objects.filter(source__startswith=f"order:{one.order_id}:").exclude(
        kind__in=["reserve", "fund"]
    )


def lines(entries: Any) -> dict[tuple[str, str], int]:
    rows = Posting.objects.filter(entry__in=entries, asset="USDC").select_related("account")
    return sums((row.account.kind, row.account.owner, row.amount) for row in rows)


def sums(legs: Any) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for kind, owner, amount in legs:
        key = (str(kind), owner)
        found[key] = found.get(key, 0) + amount
    return {key: amount for key, amount in found.items() if amount}


def test_dust_that_the_books_have_not_seen_is_swept_at_the_second_try(
    sale: Sales, world: World
) -> None:
    one = sale("100")
    dispute = one.dispute()
    one.dust("0.0000001")  # and nobody watches
    decide(one, dispute, divide(one, dispute, "SPLIT", "40", "60"))
    world.work()
    world.watch()
    world.settle()
    assert now(dispute).status == "RESOLVED"
    calls = EscrowOperation.objects.filter(order=one.order_id).order_by("id")
    ends = [(call.kind, call.status) for call in calls if call.kind in ("RESOLVE", "SWEEP")]
    assert ends == [("RESOLVE", "FAILED"), ("SWEEP", "CONFIRMED"), ("RESOLVE", "CONFIRMED")]
    assert world.balance(one.seller)["available"] == "40.00"
    assert world.differences() == []


# --- a second person --------------------------------------------------------------------------
def test_over_the_threshold_nothing_moves_before_a_second_person_agrees(
    sale: Sales, world: World, settings: Any, ben: Actor
) -> None:
    settings.DISPUTE_APPROVAL_THRESHOLD = "100"
    one = sale("101")
    dispute = one.dispute()
    proposal = decide(one, dispute, divide(one, dispute, "REFUND"))
    world.settle()
    assert (proposal.status, outcome(one, dispute)) == (
        "OPEN",
        ("PROPOSED", "DISPUTED", ["DISPUTED"]),
    )
    assert EscrowOperation.objects.filter(order=one.order_id, kind="RESOLVE").count() == 0
    resolution.approve(proposal_id=proposal.id, digest=proposal.digest, actor=ben)
    world.settle()
    assert outcome(one, dispute) == ("RESOLVED", "REFUNDED", ["REFUNDED"])
    assert world.differences() == []


@pytest.mark.parametrize("case", ["own", "changed", "rejected", "digest"])
def test_an_approval_that_may_not_be_moves_nothing(
    sale: Sales, world: World, settings: Any, case: str, ana: Actor, ben: Actor
) -> None:
    settings.DISPUTE_APPROVAL_THRESHOLD = "10"
    one = sale("100")
    dispute = one.dispute()
    proposal = decide(one, dispute, divide(one, dispute, "RELEASE"), ana)
    known: dict[str, Any] = {"proposal_id": proposal.id, "digest": proposal.digest, "actor": ben}
    if case == "own":
        known["actor"] = ana
    if case == "digest":
        known["digest"] = "0" * 64
    if case == "changed":
        services.write_statement(
            marketplace_id=world.marketplace.id,
            dispute_id=dispute.id,
            party=Party.SELLER,
            text="Look again",
            submit=True,
            actor=world.actor,
        )
    if case == "rejected":
        resolution.reject(**known, note="No")
    expected = {
        "own": errors.ApproverIsProposer,
        "digest": errors.ProposalChanged,
        "changed": errors.ProposalChanged,
        "rejected": WrongState,
    }[case]
    with pytest.raises(expected):
        resolution.approve(**known)
    world.settle()
    assert one.order.status == "DISPUTED"
    assert EscrowOperation.objects.filter(order=one.order_id, kind="RESOLVE").count() == 0
    assert world.balance(one.seller)["available"] == "0.00"


def test_a_proposal_that_was_rejected_or_taken_back_can_be_made_anew(
    sale: Sales, world: World, settings: Any, ana: Actor, ben: Actor
) -> None:
    settings.DISPUTE_APPROVAL_THRESHOLD = "10"
    one = sale("100")
    dispute = one.dispute()
    first = decide(one, dispute, divide(one, dispute, "RELEASE"))
    resolution.reject(proposal_id=first.id, digest=first.digest, actor=ben, note="Too much")
    assert now(dispute).status == "UNDER_REVIEW"
    second = decide(one, dispute, divide(one, dispute, "SPLIT", "50", "50"), ana)
    resolution.take_back(proposal_id=second.id, actor=ana)
    third = decide(one, dispute, divide(one, dispute, "REFUND"))
    resolution.approve(proposal_id=third.id, digest=third.digest, actor=ben)
    world.settle()
    assert outcome(one, dispute) == ("RESOLVED", "REFUNDED", ["REFUNDED"])


def test_slices_of_one_order_under_the_threshold_need_a_second_person_together(
    sale: Sales, world: World, settings: Any
) -> None:
    settings.DISPUTE_APPROVAL_THRESHOLD = "100"
    settings.DISPUTE_APPROVAL_ORDER_SUM = "150"
    one = sale("90", "90")
    first, second = one.dispute("m1"), one.dispute("m2")
    assert decide(one, first, divide(one, first, "REFUND")).status == "APPROVED"
    world.settle()
    assert decide(one, second, divide(one, second, "REFUND")).status == "OPEN"


def test_two_agents_at_once_make_one_proposal(
    sale: Sales, world: World, ana: Actor, ben: Actor
) -> None:
    one = sale("100")
    dispute = one.dispute()
    version = now(dispute).version
    parts = {
        "ana": (ana, divide(one, dispute, "REFUND")),
        "ben": (ben, divide(one, dispute, "RELEASE")),
    }
    ends: dict[str, str] = {}

    def act(name: str) -> None:
        actor, chosen = parts[name]
        try:
            decide(one, dispute, chosen, actor, expected_version=version)
            ends[name] = "done"
        except (services.CaseChanged, WrongState) as refusal:
            ends[name] = refusal.code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act, args=[name]) for name in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.settle()
    assert sorted(ends.values()) == ["case_changed", "done"]
    assert Proposal.objects.filter(subject=dispute.id).count() == 1
    assert now(dispute).status == "RESOLVED"
    assert world.differences() == []


# --- what may not be asked --------------------------------------------------------------------
def test_shares_that_are_not_the_amount_are_refused(sale: Sales, world: World) -> None:
    one = sale("100")
    dispute = one.dispute()
    milestone = one.milestones[0].pk
    for parts in (
        [],
        [Share(milestone, 1, 1)],
        [Share(milestone, -1, one.order.amount + 1)],
        [Share(milestone, 1, one.order.amount - 1)],  # not whole cents
        [Share("mil_other", one.order.amount, 0)],
    ):
        with pytest.raises(InvalidRequest):
            decide(one, dispute, parts)
    assert now(dispute).status == "OPEN"
    assert Proposal.objects.filter(subject=dispute.id).count() == 0


def test_a_page_that_is_stale_decides_nothing_and_says_what_changed(
    sale: Sales, world: World
) -> None:
    one = sale("100")
    dispute = one.dispute()
    version = now(dispute).version
    services.write_message(
        marketplace_id=world.marketplace.id,
        dispute_id=dispute.id,
        sender=Party.BUYER,
        text="Wait",
        actor=world.actor,
    )
    with pytest.raises(services.CaseChanged, match="message"):
        decide(one, dispute, divide(one, dispute, "REFUND"), expected_version=version)
    assert now(dispute).status == "OPEN"


def test_a_closed_dispute_is_decided_no_more(sale: Sales, world: World) -> None:
    one = sale("100")
    dispute = one.dispute()
    parts = divide(one, dispute, "RELEASE")
    decide(one, dispute, parts)
    world.settle()
    with pytest.raises(WrongState):
        decide(one, dispute, parts)
    assert EscrowOperation.objects.filter(order=one.order_id, kind="RESOLVE").count() == 1
    assert world.balance(one.seller)["available"] == "100.00"


# --- giving up --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("by", "end", "buyer", "seller"),
    [(Party.BUYER, "COMPLETED", "1.00", "100.00"), (Party.SELLER, "REFUNDED", "101.00", "0.00")],
)
def test_who_withdraws_leaves_the_money_to_the_other(
    sale: Sales, world: World, by: Party, end: str, buyer: str, seller: str
) -> None:
    one = sale("100")
    dispute = one.dispute(by=by)
    known = {"marketplace_id": world.marketplace.id, "dispute_id": dispute.id}
    other = Party.SELLER if by == Party.BUYER else Party.BUYER
    with pytest.raises(WrongState):
        resolution.withdraw(**known, party=other, actor=world.actor)
    resolution.withdraw(**known, party=by, actor=world.actor)
    world.settle()
    assert (now(dispute).status, one.order.status) == ("WITHDRAWN", end)
    assert world.balance(one.buyer)["available"] == buyer
    assert world.balance(one.seller)["available"] == seller
    assert world.differences() == []


# --- failures ---------------------------------------------------------------------------------
def test_a_settlement_that_failed_waits_for_the_desk_and_can_be_asked_again(
    sale: Sales, world: World, monkeypatch: pytest.MonkeyPatch, ana: Actor
) -> None:
    one = sale("100")
    dispute = one.dispute()
    with monkeypatch.context() as patch:
        patch.setattr(trustless_work, "resolve", _refuse)
        decide(one, dispute, divide(one, dispute, "REFUND"))
        world.settle()
    case = now(dispute)
    assert (case.status, case.problem["code"]) == ("SETTLING", "only_resolver")
    assert dispute.id in Dispute.objects.on_chain().values_list("pk", flat=True)
    assert world.balance(one.buyer)["available"] == "1.00"
    following.retry(dispute_id=dispute.id, actor=ana)
    world.settle()
    assert outcome(one, dispute) == ("RESOLVED", "REFUNDED", ["REFUNDED"])
    assert now(dispute).problem is None
    assert world.differences() == []


def _refuse(*_: Any) -> None:
    """As the provider refuses a call against a rule of the contract."""
    raise BuildRefused("only_resolver", "Only the dispute resolver can execute this function")


def test_a_lost_ring_costs_only_the_time_to_the_next_sweep(sale: Sales, world: World) -> None:
    one = sale("100")
    dispute = one.dispute()
    with jobs.held():  # every ring of this block is lost
        decide(one, dispute, divide(one, dispute, "REFUND"))
    world.settle()
    assert outcome(one, dispute) == ("RESOLVED", "REFUNDED", ["REFUNDED"])


def test_a_ring_lost_at_the_end_of_a_call_costs_only_the_time_to_the_next_sweep(
    sale: Sales, world: World
) -> None:
    one = sale("100")
    dispute = one.dispute()
    with jobs.held():
        decide(one, dispute, divide(one, dispute, "REFUND"))
    operation = EscrowOperation.objects.get(order=one.order_id, kind="RESOLVE")
    with jobs.held() as rung:  # the worker dies when the call is booked and nobody is told
        jobs.JOBS["orders.operation"](operation.pk)
    assert ("disputes.follow", dispute.id) in rung
    operation.refresh_from_db()
    assert (operation.status, now(dispute).status) == ("CONFIRMED", "SETTLING")
    world.settle()
    assert outcome(one, dispute) == ("RESOLVED", "REFUNDED", ["REFUNDED"])


def test_the_clocks_stand_while_a_party_must_answer(sale: Sales, world: World, ana: Actor) -> None:
    one = sale("100")
    dispute = one.dispute()
    due = now(dispute).decision_due_at
    services.ask_party(dispute_id=dispute.id, party=Party.SELLER, text="A photo?", actor=ana)
    assert now(dispute).status == "WAITING_PARTY"
    world.network.advance("P1D")
    world.watch()
    services.write_message(
        marketplace_id=world.marketplace.id,
        dispute_id=dispute.id,
        sender=Party.BUYER,
        text="Me too",
        actor=world.actor,
    )
    assert now(dispute).status == "WAITING_PARTY"  # the seller was asked
    services.write_message(
        marketplace_id=world.marketplace.id,
        dispute_id=dispute.id,
        sender=Party.SELLER,
        text="Here",
        actor=world.actor,
    )
    case = now(dispute)
    assert case.status == "UNDER_REVIEW"
    assert 86_400 <= (case.decision_due_at - due).total_seconds() < 86_400 + 60


def test_a_party_that_does_not_answer_stops_nothing_for_ever(
    sale: Sales, world: World, ana: Actor
) -> None:
    one = sale("100")
    dispute = one.dispute()
    services.ask_party(dispute_id=dispute.id, party=Party.SELLER, text="A photo?", actor=ana)
    world.network.advance("P3D")
    world.watch()
    world.work()
    assert now(dispute).status == "UNDER_REVIEW"

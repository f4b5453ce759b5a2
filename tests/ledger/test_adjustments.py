"""The books are mended by two people, once, and never below a floor."""

from typing import Any
from uuid import uuid4

import pytest

from ledger import adjustments
from ledger.adjustments import Change
from ledger.balances import account_balance
from ledger.models import Account, Entry
from offerhub.approvals import errors
from offerhub.approvals.models import Proposal
from offerhub.core.actor import Actor, ActorKind
from offerhub.core.errors import DuplicateReference, InsufficientFunds, InvalidRequest
from offerhub.core.ids import new_id
from offerhub.marketplaces import staff
from tests.ledger.conftest import Books, address


def person() -> Actor:
    made = staff.create_staff(username=f"p{uuid4().hex[:12]}", password="correct horse battery")
    return Actor(ActorKind.STAFF, made.user.public_id)


ANA_TEXT = "The wallet holds more than the books say"


class Hand:
    """Books in which the buyer has 100, and somebody who would mend them."""

    def __init__(self, books: Books) -> None:
        self.books = books
        books.deposit(100)
        self.ana, self.ben = person(), person()

    def account(self, kind: str, owner: str = "") -> str:
        found = Account.objects.get(
            marketplace=self.books.id, kind=kind, owner=owner or self.books.buyer.id
        )
        return str(found.pk)

    def wallet(self) -> str:
        return self.account("wallet", address(self.books.buyer))

    def propose(self, *changes: Change, **other: Any) -> Proposal:
        named: dict[str, Any] = {
            "marketplace_id": self.books.id,
            "adjustment_id": new_id("adj"),
            "changes": changes,
            "reason": "chain_difference",
            "text": ANA_TEXT,
            "actor": self.ana,
        }
        return adjustments.propose(**{**named, **other})

    def approve(self, proposal: Proposal, actor: Actor | None = None) -> Any:
        return adjustments.approve(
            proposal_id=proposal.id, digest=proposal.digest, actor=actor or self.ben
        )

    def holds(self, kind: str, owner: str = "") -> int:
        return account_balance(marketplace_id=self.books.id, kind=kind, owner=owner, asset="USDC")

    def entries(self) -> int:
        return Entry.objects.filter(marketplace=self.books.id, kind="adjustment").count()


@pytest.fixture
def hand(books: Books) -> Hand:
    return Hand(books)


def test_two_people_mend_the_books_once(hand: Hand) -> None:
    proposal = hand.propose(Change(hand.wallet(), 7), Change(hand.account("available"), 7))
    assert (proposal.status, proposal.amount) == ("OPEN", 7)
    assert proposal.why_required == "Nobody decides this alone"
    assert (hand.entries(), hand.holds("available", hand.books.buyer.id)) == (0, 100)
    posted = hand.approve(proposal)
    entry = Entry.objects.get(pk=posted.entry_id)
    assert (entry.source, entry.description) == (f"adjustment:{proposal.subject}", ANA_TEXT)
    assert entry.actor == str(hand.ben)
    assert hand.holds("available", hand.books.buyer.id) == 107
    assert hand.holds("wallet", address(hand.books.buyer)) == 107
    assert hand.holds("adjustment", "chain_difference") == 0
    with pytest.raises(errors.ProposalClosed):
        hand.approve(proposal)
    assert hand.entries() == 1


def test_what_the_lines_do_not_balance_stands_on_the_reason(hand: Hand) -> None:
    hand.approve(hand.propose(Change(hand.account("available"), -30), reason="write_off"))
    assert hand.holds("available", hand.books.buyer.id) == 70
    assert hand.holds("adjustment", "write_off") == -30
    hand.approve(hand.propose(Change(hand.account("available"), 10), reason="write_off"))
    assert hand.holds("adjustment", "write_off") == -20


def test_the_preview_is_what_is_posted(hand: Hand) -> None:
    proposal = hand.propose(Change(hand.wallet(), -5), reason="correction")
    lines = adjustments.preview(
        marketplace_id=hand.books.id,
        legs=adjustments.legs_of(proposal),
        reason=proposal.payload["reason"],
    )
    assert sum(line.amount for line in lines) == 0
    assert [(line.before, line.after) for line in lines] == [(100, 95), (0, 5)]
    entry = Entry.objects.get(pk=hand.approve(proposal).entry_id)
    posted = entry.postings.order_by("pk").values_list("account__kind", "asset", "amount")
    assert [(line.account.split(":")[0], line.asset, line.amount) for line in lines] == list(posted)
    assert [hand.holds("wallet", address(hand.books.buyer))] == [lines[0].after]


def test_the_proposer_can_not_approve_and_a_rejection_posts_nothing(hand: Hand) -> None:
    proposal = hand.propose(Change(hand.wallet(), 1))
    with pytest.raises(errors.ApproverIsProposer):
        hand.approve(proposal, hand.ana)
    adjustments.reject(proposal_id=proposal.id, digest=proposal.digest, actor=hand.ben)
    with pytest.raises(errors.ProposalClosed):
        hand.approve(proposal)
    other = hand.propose(Change(hand.wallet(), 1))
    adjustments.take_back(proposal_id=other.id, actor=hand.ana)
    assert hand.entries() == 0


def test_a_floor_that_was_reached_meanwhile_refuses_and_leaves_it_open(hand: Hand) -> None:
    proposal = hand.propose(Change(hand.account("available"), -60))
    hand.books.reserve("ord_1", 50)
    with pytest.raises(InsufficientFunds):
        hand.approve(proposal)
    assert Proposal.objects.get(pk=proposal.pk).status == "OPEN"
    assert (hand.entries(), hand.holds("available", hand.books.buyer.id)) == (0, 50)


def test_what_can_not_be_adjusted_is_not_proposed(hand: Hand) -> None:
    hand.books.reserve("ord_1", 50)
    other = Hand(Books())
    mine = hand.account("available")
    refused: list[tuple[list[Change], dict[str, Any]]] = [
        ([], {}),
        ([Change(mine, 1), Change(mine, 2)], {}),
        ([Change(mine, 0)], {}),
        ([Change(mine, -51)], {}),
        ([Change(hand.account("reserved", "ord_1"), 1)], {}),
        ([Change(other.account("available"), 1)], {}),
        ([Change("acc_nothing", 1)], {}),
        ([Change(mine, 1)], {"reason": "because"}),
        ([Change(mine, 1)], {"text": "short"}),
    ]
    for changes, named in refused:
        with pytest.raises(InvalidRequest):
            hand.propose(*changes, **named)
    assert not Proposal.objects.filter(marketplace=hand.books.id).exists()


def test_a_second_click_finds_the_first(hand: Hand) -> None:
    one = new_id("adj")
    proposal = hand.propose(Change(hand.wallet(), 1), adjustment_id=one)
    with pytest.raises(errors.AlreadyProposed):
        hand.propose(Change(hand.wallet(), 1), adjustment_id=one)
    hand.approve(proposal)
    with pytest.raises(DuplicateReference):
        hand.propose(Change(hand.wallet(), 1), adjustment_id=one)
    assert hand.entries() == 1

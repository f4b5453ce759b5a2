"""The pages of the second person: who sees them, what they show, and what a press does."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from ledger.models import Account, Entry
from offerhub.approvals.models import Proposal
from offerhub.audit.models import StaffAction
from tests.desk.conftest import SignIn
from tests.ledger.conftest import Books

pytestmark = pytest.mark.django_db
NEW = "/admin/approvals/new-adjustment/"
LIST = "/admin/approvals/"


@pytest.fixture
def account(db: None) -> str:
    books = Books()
    books.deposit(1_000_000_000)
    return str(Account.objects.get(kind="available", user=books.buyer).pk)


def form_of(client: Client, account: str, **other: str) -> dict[str, str]:
    page = client.get(NEW).content.decode()
    found = re.search(r'name="adjustment_id" value="(adj_\w+)"', page)
    assert found is not None
    return {
        "adjustment_id": found.group(1),
        "account": account,
        "direction": "shrink",
        "amount": "12.50",
        "reason": "write_off",
        "text": "Sent twice by mistake",
        "step": "propose",
        **other,
    }


def proposed(client: Client, account: str) -> Proposal:
    answer = client.post(NEW, form_of(client, account))
    assert answer.status_code == 302, answer.content.decode()
    return Proposal.objects.latest("pk")


def page_of(proposal: Proposal) -> str:
    return reverse("admin:adjustment", args=[proposal.pk])


def verdict(proposal: Proposal, word: str = "approve", note: str = "") -> dict[str, str]:
    return {"verdict": word, "digest": proposal.digest, "note": note}


def test_from_the_form_to_the_books_by_two_people(desk: SignIn, account: str) -> None:
    senior, finance = desk("senior_support"), desk("finance")
    form = form_of(senior, account, step="preview")
    shown = senior.post(NEW, form).content.decode()
    assert "12.50" in shown and "87.50" in shown and "adjustment:write_off" in shown
    assert not Proposal.objects.exists() and not StaffAction.objects.exists()
    proposal = proposed(senior, account)
    assert Entry.objects.filter(kind="adjustment").count() == 0
    assert page_of(proposal) in finance.get(LIST).content.decode()
    shown = finance.get(page_of(proposal)).content.decode()
    assert proposal.digest in shown and "87.50" in shown and "Sent twice by mistake" in shown
    assert finance.post(page_of(proposal), verdict(proposal)).status_code == 302
    [entry] = Entry.objects.filter(kind="adjustment")
    assert entry.source == f"adjustment:{proposal.subject}"
    again = finance.post(page_of(proposal), verdict(proposal))
    assert again.status_code == 409 and "Nothing was done" in again.content.decode()
    assert Entry.objects.filter(kind="adjustment").count() == 1
    actions = StaffAction.objects.order_by("position").values_list("action", "subject")
    assert list(actions) == [
        ("adjustment.proposed", proposal.subject),
        ("adjustment.approved", proposal.subject),
    ]
    assert "Nothing waits for approval" in finance.get(LIST).content.decode()
    assert "Approved" in finance.get(page_of(proposal)).content.decode()


def test_the_proposer_is_told_that_somebody_else_must_decide(desk: SignIn, account: str) -> None:
    both = desk("senior_support", "finance")
    proposal = proposed(both, account)
    shown = both.get(page_of(proposal)).content.decode()
    assert "somebody else must decide" in shown and 'name="verdict"' not in shown
    refused = both.post(page_of(proposal), verdict(proposal))
    assert refused.status_code == 403 and "Nobody approves" in refused.content.decode()
    assert Entry.objects.filter(kind="adjustment").count() == 0
    assert both.post(reverse("admin:adjustment_take_back", args=[proposal.pk])).status_code == 302
    assert Proposal.objects.get(pk=proposal.pk).status == "WITHDRAWN"
    assert StaffAction.objects.latest("position").action == "adjustment.taken_back"


def test_a_rejection_says_why_and_posts_nothing(desk: SignIn, account: str) -> None:
    finance = desk("finance")
    proposal = proposed(desk("senior_support"), account)
    refused = finance.post(page_of(proposal), verdict(proposal, "reject"))
    assert refused.status_code == 400 and "Say why" in refused.content.decode()
    assert finance.post(page_of(proposal), verdict(proposal, "reject", "No")).status_code == 302
    assert Proposal.objects.get(pk=proposal.pk).status == "REJECTED"
    assert StaffAction.objects.latest("position").reason == "No"
    assert Entry.objects.filter(kind="adjustment").count() == 0


def test_a_page_that_showed_something_else_approves_nothing(desk: SignIn, account: str) -> None:
    finance, proposal = desk("finance"), proposed(desk("senior_support"), account)
    sent: list[dict[str, Any]] = [
        {**verdict(proposal), "digest": "0" * 64},
        {**verdict(proposal), "digest": ""},
        {**verdict(proposal), "verdict": "perhaps"},
        {},
    ]
    for form in sent:
        answer = finance.post(page_of(proposal), form)
        assert answer.status_code in (400, 409) and b"Nothing was done" in answer.content
    assert Proposal.objects.get(pk=proposal.pk).status == "OPEN"
    assert StaffAction.objects.filter(action="adjustment.approved").count() == 0


def test_a_second_click_proposes_once(desk: SignIn, account: str) -> None:
    senior = desk("senior_support")
    form = form_of(senior, account)
    assert senior.post(NEW, form).status_code == 302
    assert senior.post(NEW, form).status_code == 409
    assert (Proposal.objects.count(), StaffAction.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "-1"},
        {"amount": "1000"},
        {"amount": "1e3"},
        {"account": "acc_nothing"},
        {"text": "short"},
        {"reason": "because"},
        {"adjustment_id": "prp_x"},
    ],
)
def test_what_can_not_be_is_said_on_the_same_page(
    desk: SignIn, account: str, wrong: dict[str, str]
) -> None:
    senior = desk("senior_support")
    answer = senior.post(NEW, form_of(senior, account) | wrong)
    assert answer.status_code in (400, 422) and b"Adjust the books" in answer.content
    assert not Proposal.objects.exists() and not StaffAction.objects.exists()


def test_markup_in_the_text_is_text(desk: SignIn, account: str) -> None:
    senior = desk("senior_support")
    senior.post(NEW, form_of(senior, account, text="<script>alert(1)</script>"))
    shown = senior.get(page_of(Proposal.objects.latest("pk"))).content.decode()
    assert "&lt;script&gt;" in shown and "<script>alert" not in shown

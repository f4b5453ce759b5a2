"""The page of a dispute: what it shows, what it refuses, and one audit row for what it does."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from disputes import services
from disputes.models import Dispute, Message, Note
from disputes.states import Party
from offerhub.approvals.models import Proposal
from offerhub.audit.models import StaffAction
from offerhub.marketplaces import staff
from orders.models import EscrowOperation
from tests.disputes.conftest import Sale
from tests.disputes.conftest import sale as sale
from tests.statements import Statements
from tests.world import ACTOR, World

Sales = Callable[..., Sale]
MARKUP = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


def person(*roles: str) -> Client:
    name = f"p{uuid4().hex[:12]}"
    new = staff.create_staff(username=name, password="correct horse battery", roles=roles)
    client = Client()
    client.force_login(new.user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def case(sale: Sales) -> Dispute:
    """A frozen dispute over 100."""
    return sale("100").dispute()


def now(case: Dispute) -> Any:
    return Dispute.objects.for_display().get(pk=case.pk)


def post(client: Client, case: Dispute, action: str, **data: Any) -> Any:
    """As the form of the page drawn now would send it."""
    data.setdefault("version", now(case).version)
    return client.post(f"/admin/cases/{case.pk}/{action}/", data)


def shares(case: Dispute, seller: str) -> dict[str, str]:
    return {f"seller_{row.milestone_id}": seller for row in now(case).milestones.all()}


def proposal(case: Dispute, seller: str, **more: Any) -> dict[str, Any]:
    return {"reason": "partly_delivered", "text": "So be it", **shares(case, seller), **more}


def audit(case: Dispute) -> list[str]:
    rows = StaffAction.objects.filter(subject=case.pk).order_by("position")
    return [row.action for row in rows]


def test_a_case_is_settled_by_clicks_and_each_left_one_audit_row(
    world: World, case: Dispute
) -> None:
    support = person("support")
    assert post(support, case, "assign", to="me").status_code == 302
    assert post(support, case, "note", text="Looks partly done").status_code == 302
    assert post(support, case, "message", text="We look at it").status_code == 302
    assert post(support, case, "propose", **proposal(case, "60")).status_code == 302
    world.settle()
    page = support.get(f"/admin/cases/{case.pk}/").content.decode()
    assert now(case).status == "RESOLVED"
    assert "seller 60.00" in re.sub(r"<[^>]+>", "", page)
    assert audit(case) == [
        "dispute.assign",
        "dispute.note",
        "dispute.message",
        "dispute.proposal",
    ]
    last = StaffAction.objects.filter(subject=case.pk).latest("position")
    assert (last.before["status"], last.after["status"]) == ("UNDER_REVIEW", "SETTLING")
    assert world.differences() == []


def test_the_preview_says_what_is_posted(world: World, case: Dispute) -> None:
    support = person("support")
    page = support.get(f"/admin/cases/{case.pk}/preview/", shares(case, "33.33")).content.decode()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "Seller receives 33.33 USDC Buyer receives 66.67 USDC Fees 0.00 USDC" in text
    assert "Balanced 200.00 200.00" in text


@pytest.mark.parametrize("seller", ["100.01", "-1", "1e2", "33.333", "", "x", MARKUP])
def test_a_share_that_may_not_be_is_refused_with_what_was_written(
    case: Dispute, seller: str
) -> None:
    support = person("support")
    answer = post(support, case, "propose", **proposal(case, seller, note="keep me"))
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Nothing was done." in page
    assert "keep me" in page
    assert MARKUP not in page
    assert Proposal.objects.filter(subject=case.pk).count() == 0
    assert audit(case) == []
    assert now(case).status == "OPEN"


def test_a_stale_form_does_nothing_and_says_what_changed(case: Dispute) -> None:
    support = person("support")
    version = now(case).version
    services.write_message(
        marketplace_id=case.marketplace_id,
        dispute_id=case.pk,
        sender=Party.BUYER,
        text="One more thing",
        actor=ACTOR,
    )
    answer = post(support, case, "propose", version=version, **proposal(case, "60"))
    assert answer.status_code == 409
    assert "Since you looked at it: message" in answer.content.decode()
    assert Proposal.objects.filter(subject=case.pk).count() == 0


def test_a_double_click_proposes_once(world: World, case: Dispute) -> None:
    support, version = person("support"), now(case).version
    first = post(support, case, "propose", version=version, **proposal(case, "60"))
    second = post(support, case, "propose", version=version, **proposal(case, "60"))
    assert (first.status_code, second.status_code) == (302, 409)
    world.settle()
    assert EscrowOperation.objects.filter(order=case.order_id, kind="RESOLVE").count() == 1


def test_nobody_approves_from_another_session_what_they_proposed(
    world: World, case: Dispute, settings: Any
) -> None:
    settings.DISPUTE_APPROVAL_THRESHOLD = "50"
    senior = person("senior_support")
    assert post(senior, case, "propose", **proposal(case, "60")).status_code == 302
    digest = Proposal.objects.get(subject=case.pk).digest
    again = Client()
    user: Any = senior.get("/admin/").wsgi_request.user
    again.force_login(user, "django.contrib.auth.backends.ModelBackend")
    assert "Approve and settle" not in again.get(f"/admin/cases/{case.pk}/").content.decode()
    answer = post(again, case, "verdict", verdict="approve", digest=digest)
    assert answer.status_code == 409
    world.settle()
    assert now(case).status == "PROPOSED"
    other = person("finance")
    assert post(other, case, "verdict", verdict="approve", digest=digest).status_code == 302
    world.settle()
    assert now(case).status == "RESOLVED"
    assert audit(case) == ["dispute.proposal", "dispute.approve"]


@pytest.mark.parametrize(
    ("role", "action", "data"),
    [
        ("read_only", "note", {"text": "x"}),
        ("finance", "note", {"text": "x"}),
        ("finance", "propose", {}),
        ("operations", "propose", {}),
        ("support", "verdict", {"verdict": "approve", "digest": "0" * 64}),
        ("operations", "retry", {}),
    ],
)
def test_who_lacks_the_right_is_refused_and_nothing_happens(
    case: Dispute, role: str, action: str, data: dict[str, Any]
) -> None:
    client = person(role)
    assert client.get(f"/admin/cases/{case.pk}/").status_code == 200
    assert post(client, case, action, **data).status_code == 403
    assert (now(case).version, audit(case)) == (1, [])


def test_nothing_happens_by_looking(case: Dispute) -> None:
    support = person("support")
    for action in ("assign", "note", "message", "ask", "propose", "verdict", "take-back", "retry"):
        assert support.get(f"/admin/cases/{case.pk}/{action}/").status_code == 405
    assert (now(case).version, audit(case)) == (1, [])


def test_markup_of_a_party_is_text(world: World, case: Dispute) -> None:
    support = person("support")
    known: dict[str, Any] = {
        "marketplace_id": case.marketplace_id,
        "dispute_id": case.pk,
        "actor": world.actor,
    }
    services.write_statement(**known, party=Party.SELLER, text=MARKUP, submit=True)
    services.write_message(**known, sender=Party.BUYER, text=MARKUP)
    Dispute.objects.filter(pk=case.pk).update(reason=MARKUP, description=MARKUP)
    for page in (f"/admin/cases/{case.pk}/", "/admin/cases/", "/admin/"):
        assert MARKUP not in support.get(page).content.decode()


def test_drafts_are_the_partys_own(world: World, case: Dispute) -> None:
    services.write_statement(
        marketplace_id=case.marketplace_id,
        dispute_id=case.pk,
        party=Party.SELLER,
        text="Not finished",
        submit=False,
        actor=world.actor,
    )
    assert "Not finished" not in person("support").get(f"/admin/cases/{case.pk}/").content.decode()


def test_a_note_is_for_staff_alone_and_changes_nothing_of_the_case(case: Dispute) -> None:
    support, version = person("support"), now(case).version
    assert post(support, case, "note", text="He did this before").status_code == 302
    assert (now(case).version, Note.objects.filter(dispute=case).count()) == (version, 1)
    assert Message.objects.filter(dispute=case).count() == 0


def test_the_queue_counts_what_it_shows(case: Dispute) -> None:
    support = person("support")
    assert post(support, case, "assign", to="me").status_code == 302
    page = support.get("/admin/cases/?tab=mine").content.decode()
    assert page.count("data-row") == 1
    assert re.search(r'Mine <span class="oh-count">1</span>', page)


def test_pages_take_a_known_number_of_statements(case: Dispute) -> None:
    support = person("support")
    for url, most in ((f"/admin/cases/{case.pk}/", 34), ("/admin/cases/", 9)):
        support.get(url)
        with Statements(connection) as queries:
            assert support.get(url).status_code == 200
        assert len(queries) <= most, [query["sql"][:90] for query in queries]

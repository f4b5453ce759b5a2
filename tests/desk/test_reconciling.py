"""Finance settles a difference between books and chain at the desk, with a second person."""

import pytest
from django.urls import reverse

from ledger.models import Entry
from offerhub.approvals.models import Proposal
from offerhub.audit.models import StaffAction
from offerhub.reconciliation import differences
from offerhub.reconciliation.explaining import Explained, Line
from offerhub.reconciliation.looking import Look, Verdict
from offerhub.reconciliation.models import Difference, Run
from offerhub.reconciliation.states import DifferenceType
from offerhub.reconciliation.targets import Target
from tests.desk.conftest import SignIn
from tests.desk.rows import market, user

pytestmark = pytest.mark.django_db
LIST = "/admin/books-and-chain/"


@pytest.fixture
def difference(db: None) -> Difference:
    made = market()
    somebody = user(made, "client_123", money=50_000_000)
    address = somebody.wallet.address
    target = Target(made.id, "wallet", address, "USDC")
    line = Line("f" * 64, 9, 1, 0, what="unknown to our records")
    return differences.found(
        look=Look(target, 9, 50_000_001, 50_000_000, Verdict.DIFFERENT),
        explained=Explained(DifferenceType.MISSING, [line], 0),
    )


def test_home_and_the_list_show_what_differs_and_since_when(
    desk: SignIn, difference: Difference
) -> None:
    client = desk("read_only")
    assert "Books and chain differ" in client.get("/admin/").content.decode()
    page = client.get(LIST).content.decode()
    assert difference.pk in page
    assert "5.0000001" in page
    assert "Compare now" not in page
    assert difference.pk not in client.get(f"{LIST}?view=ended").content.decode()
    shown = client.get(reverse("admin:difference", args=[difference.pk])).content.decode()
    assert "f" * 64 in shown
    assert "unknown to our records" in shown


def test_a_correction_goes_from_the_page_to_the_books_by_two_people(
    desk: SignIn, difference: Difference
) -> None:
    finance, other = desk("finance"), desk("finance")
    page = reverse("admin:difference_correct", args=[difference.pk])
    before = Entry.objects.count()
    shown = finance.get(f"{page}?against=user")
    assert [line.amount for line in shown.context["lines"]] == [1, -1]
    assert Entry.objects.count() == before
    form = {"against": "user", "adjustment_id": shown.context["adjustment_id"], "text": "short"}
    assert finance.post(page, form).status_code == 400
    form["text"] = "The monitor was moved past it"
    assert finance.post(page, form).status_code == 302
    proposal = Proposal.objects.get(subject=form["adjustment_id"])
    assert "Waits for approval" in finance.get(LIST).content.decode()
    approve = reverse("admin:adjustment", args=[proposal.pk])
    verdict = {"verdict": "approve", "digest": proposal.digest, "note": ""}
    assert finance.post(approve, verdict).status_code in (403, 409, 422)  # not one's own
    assert other.post(approve, verdict).status_code == 302
    differences.follow(difference_id=difference.pk)
    difference.refresh_from_db()
    assert difference.status == "BOOKED"
    (entry,) = Entry.objects.filter(source=f"adjustment:{form['adjustment_id']}")
    page = finance.get(reverse("admin:difference", args=[difference.pk])).content.decode()
    assert f"#{entry.number}" in page
    assert difference.pk in finance.get(f"{LIST}?view=ended").content.decode()
    actions = StaffAction.objects.filter(subject=difference.pk).values_list("action", flat=True)
    assert list(actions) == ["reconciliation.correction_proposed"]


def test_what_it_is_is_written_down_and_a_comparison_asked_for(
    desk: SignIn, difference: Difference
) -> None:
    finance = desk("finance")
    page = reverse("admin:difference_explain", args=[difference.pk])
    assert finance.post(page, {"note": "no"}).status_code == 400
    assert finance.post(page, {"note": "An exchange paid during the move"}).status_code == 302
    difference.refresh_from_db()
    assert (difference.status, difference.note[:11]) == ("EXPLAINED", "An exchange")
    asked = {"marketplace": difference.marketplace_id, "address": difference.owner}
    assert finance.post(f"{LIST}compare/", asked | {"back": difference.pk}).status_code == 302
    (run,) = Run.objects.filter(marketplace=difference.marketplace)
    assert (run.address, run.status) == (difference.owner, "RUNNING")
    assert finance.post(f"{LIST}compare/", asked | {"address": "G"}).status_code == 400
    assert desk("support").post(page, {"note": "An exchange paid it"}).status_code == 403


def test_a_rejected_correction_leaves_the_difference_waiting(
    desk: SignIn, difference: Difference
) -> None:
    finance, other = desk("finance"), desk("finance")
    page = reverse("admin:difference_correct", args=[difference.pk])
    name = finance.get(f"{page}?against=suspense").context["adjustment_id"]
    form = {"against": "suspense", "adjustment_id": name, "text": "Nobody knows whose it is"}
    finance.post(page, form)
    proposal = Proposal.objects.get(subject=name)
    verdict = {"verdict": "reject", "digest": proposal.digest, "note": "Ask the exchange first"}
    other.post(reverse("admin:adjustment", args=[proposal.pk]), verdict)
    assert differences.with_decided_corrections() == [difference.pk]
    differences.follow(difference_id=difference.pk)
    difference.refresh_from_db()
    assert (difference.status, difference.proposal) == ("EXPLAINED", None)
    assert not Entry.objects.filter(source=f"adjustment:{name}").exists()

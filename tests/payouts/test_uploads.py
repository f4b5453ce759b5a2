"""A list from the desk: looked at, proposed, agreed to by another, paid, and its results."""

import csv
import io
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from offerhub.approvals.models import Proposal
from offerhub.audit.models import StaffAction
from offerhub.marketplaces import staff
from payouts.models import Batch, PayoutPolicy, Withdrawal
from tests.payouts.crowd import Crowd

NEW = "/admin/batches/new/"


@pytest.fixture(autouse=True)
def static(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STAFF_CODE_OPTIONAL = True


def person(*roles: str) -> Client:
    made = staff.create_staff(
        username=f"p{uuid4().hex[:12]}", password="correct horse battery", roles=roles
    )
    client = Client()
    client.force_login(made.user, "django.contrib.auth.backends.ModelBackend")
    return client


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*? value="([^"]*)"', page)
    assert found is not None, name
    return found.group(1).replace("&#x27;", "'").replace("&quot;", '"').replace("&amp;", "&")


def upload(crowd: Crowd, client: Client, content: str) -> str:
    """The page after the file was sent; nothing is proposed yet."""
    form = {
        "batch_id": field(text_of(client.get(NEW)), "batch_id"),
        "marketplace": crowd.world.marketplace.pk,
        "file": SimpleUploadedFile("payday.csv", content.encode()),
        "step": "preview",
    }
    answer = client.post(NEW, form)
    assert answer.status_code == 200, text_of(answer)
    return text_of(answer)


def propose(crowd: Crowd, client: Client, page: str, **other: str) -> Any:
    names = ("batch_id", "content", "name", "shown")
    form = {name: field(page, name) for name in names}
    form |= {"marketplace": crowd.world.marketplace.pk, "step": "propose", **other}
    return client.post(NEW, form)


def newest(crowd: Crowd) -> Proposal:
    return Proposal.objects.filter(marketplace=crowd.world.marketplace).latest("pk")


def sheet(crowd: Crowd, *more: str) -> str:
    lines = [
        f"u0,10,{crowd.destination},,r1",
        f"u1,20,{crowd.destination},,r2",
        f"u1,20,{crowd.destination},,r3",
        f"u1,70,{crowd.destination},,r4",
        f"u2,=1+1,{crowd.destination},,r5",
        f"u2,5,{crowd.destination},,r1",
        f"nobody,5,{crowd.destination},,",
        "u2,5,GMISTYPED,,",
        *more,
    ]
    return "userId,amount,destination,memo,reference\n" + "\n".join(lines)


def test_from_the_file_to_the_results_by_two_people(crowd: Crowd) -> None:
    operations, finance = person("operations"), person("finance")
    page = upload(crowd, operations, sheet(crowd))
    for words in ("3 can be paid", "5 are left out", "50.00", "the same as line 3"):
        assert words in page
    for why in ("begins like a formula", "already used", "no user of", "not a Stellar address"):
        assert why in page
    assert "more than what is available (60.00 USDC left)" in page
    assert not Proposal.objects.filter(marketplace=crowd.world.marketplace).exists()
    assert propose(crowd, operations, page).status_code == 302
    proposal = newest(crowd)
    address = f"/admin/approvals/batches/{proposal.pk}/"
    assert not Batch.objects.filter(pk=proposal.subject).exists()
    assert crowd.available() == dict.fromkeys(crowd.names, "100.00")
    assert address in text_of(finance.get("/admin/approvals/"))
    assert finance.get(f"/admin/batch/{proposal.subject}/").headers["Location"] == address
    shown = text_of(finance.get(address))
    assert proposal.digest in shown and "50.00" in shown and "payday.csv" in shown
    decision = {"verdict": "approve", "digest": proposal.digest, "note": ""}
    assert finance.post(address, decision).status_code == 302
    crowd.world.settle()
    batch = Batch.objects.get(pk=proposal.subject)
    assert (batch.status, batch.size, batch.proposal_id) == ("FINISHED", 3, proposal.pk)
    assert (crowd.received(), crowd.arrived()) == (3, "50.00")
    assert crowd.available() == {"u0": "90.00", "u1": "60.00", "u2": "100.00"}
    again = finance.post(address, decision)
    assert again.status_code == 409 and "Nothing was done" in text_of(again)
    assert crowd.received() == 3
    shown = text_of(finance.get(f"/admin/batch/{batch.pk}/"))
    assert "3 paid" in shown and "3 of 3 items" in shown
    assert str(batch.pk) in text_of(person("read_only").get("/admin/batches/"))
    actions = StaffAction.objects.filter(subject=batch.pk).order_by("position")
    assert [row.action for row in actions] == ["batch.proposed", "batch.approved"]
    results = finance.get(f"/admin/batch/{batch.pk}/results.csv")
    assert "attachment" in results.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(results.content.decode("utf-8-sig"))))
    assert [(row["line"], row["reference"], row["amount"], row["result"]) for row in rows] == [
        ("1", "r1", "10.00", "paid"),
        ("2", "r2", "20.00", "paid"),
        ("3", "r3", "20.00", "paid"),
    ]
    assert {len(row["hash"]) for row in rows} == {64}


def test_nobody_agrees_to_their_own_list_nor_to_another_than_they_saw(crowd: Crowd) -> None:
    me, other = person("finance"), person("finance")
    page = upload(crowd, me, sheet(crowd))
    assert propose(crowd, me, page).status_code == 302
    assert propose(crowd, me, page).status_code == 409  # a second click
    proposal = newest(crowd)
    address = f"/admin/approvals/batches/{proposal.pk}/"
    own = me.post(address, {"verdict": "approve", "digest": proposal.digest})
    assert own.status_code == 403 and "Nothing was done" in text_of(own)
    wrong = other.post(address, {"verdict": "approve", "digest": "0" * 64})
    assert wrong.status_code == 409
    assert "Take it back" in text_of(me.get(address))
    assert other.post(f"{address}take-back/").status_code == 403
    assert me.post(f"{address}take-back/").status_code == 302
    late = other.post(address, {"verdict": "approve", "digest": proposal.digest})
    assert late.status_code == 409
    crowd.world.work()
    assert not Withdrawal.objects.filter(marketplace=crowd.world.marketplace).exists()


def test_what_changed_since_the_preview_must_be_looked_at_again(crowd: Crowd) -> None:
    me = person("operations")
    page = upload(crowd, me, sheet(crowd))
    body = {"userId": "u0", "amount": "95", "destination": crowd.destination}
    crowd.api.post("/withdrawals", body, status=201)
    stale = propose(crowd, me, page)
    assert stale.status_code == 409 and "has changed since you looked" in text_of(stale)
    assert "2 can be paid" in text_of(stale)
    assert propose(crowd, me, text_of(stale)).status_code == 302
    assert newest(crowd).amount == 400_000_000


def test_an_upload_is_not_asked_about_twice_item_by_item(crowd: Crowd, settings: Any) -> None:
    settings.WITHDRAWAL_APPROVAL_THRESHOLD = "1"
    me, other = person("operations"), person("senior_support")
    propose(crowd, me, upload(crowd, me, sheet(crowd)))
    proposal = newest(crowd)
    address = f"/admin/approvals/batches/{proposal.pk}/"
    other.post(address, {"verdict": "approve", "digest": proposal.digest})
    crowd.world.settle()
    assert (crowd.received(), Batch.objects.get(pk=proposal.subject).status) == (3, "FINISHED")


def test_a_list_without_a_good_line_or_of_no_form_is_not_proposed(crowd: Crowd) -> None:
    me = person("operations")
    page = upload(crowd, me, "userId,amount,destination\nnobody,1,GX")
    assert "0 can be paid" in page and "Propose" not in page
    assert propose(crowd, me, page).status_code == 400
    form = {
        "batch_id": field(text_of(me.get(NEW)), "batch_id"),
        "marketplace": crowd.world.marketplace.pk,
        "file": SimpleUploadedFile("x.csv", b"\x89PNG\0"),
    }
    answer = me.post(NEW, form)
    assert answer.status_code == 400 and "no text in UTF-8" in text_of(answer)
    for role in ("support", "senior_support", "read_only"):
        assert person(role).get(NEW).status_code == 403


def test_operations_keep_the_rules_and_the_audit_keeps_who_did(crowd: Crowd) -> None:
    tenant = crowd.world.marketplace.pk
    address = f"/admin/marketplace/{tenant}/payouts/"
    form = {"most": "12.5", "most_user_day": "", "most_day": "100", "cooling_hours": "3"}
    assert person("finance").post(address, form).status_code == 403
    me = person("operations")
    assert me.post(address, form | {"most": "-1"}).status_code == 422
    assert me.post(address, form | {"address_book_only": "on"}).status_code == 302
    policy = PayoutPolicy.objects.get(marketplace=tenant)
    assert (policy.most, policy.most_user_day, policy.most_day) == (125_000_000, 0, 1_000_000_000)
    assert (policy.address_book_only, policy.cooling_hours, policy.paused) == (True, 3, False)
    assert 'value="12.50"' in text_of(me.get(address))
    (action,) = StaffAction.objects.filter(marketplace=tenant, action="payout_policy.updated")
    assert (action.before["most"], action.after["most"]) == ("0.00", "12.50")

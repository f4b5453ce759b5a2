"""Finance at the desk: balances down to the chain, files for finance alone, days that close."""

import base64
import csv
import hashlib
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection
from django.test import Client

from ledger import closing
from ledger.models import Account, Closing, Entry, Period
from offerhub.audit.models import StaffAction
from offerhub.core import clock
from offerhub.marketplaces import staff
from offerhub.reports import making
from offerhub.reports.models import Run, Schedule
from orders.models import Order
from tests.ledger.conftest import Books
from tests.ledger.test_posting import capital
from tests.reports.conftest import make
from tests.statements import Statements

pytestmark = pytest.mark.usefixtures("kept")
SignIn = Callable[..., Client]


@pytest.fixture
def desk(committed: None, settings: Any, tmp_path: Path) -> SignIn:
    """`desk("finance")`: somebody with these roles."""
    settings.STATIC_ROOT = tmp_path
    settings.STAFF_CODE_OPTIONAL = True

    def sign_in(*roles: str) -> Client:
        name = f"p{uuid4().hex[:12]}"
        new = staff.create_staff(username=name, password="correct horse battery", roles=roles)
        client = Client()
        client.force_login(new.user, "django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


def text(client: Client, address: str) -> str:
    answer = client.get(address.replace("&amp;", "&"))
    assert answer.status_code == 200, address
    return answer.content.decode()


def linked(page: str, place: str) -> str:
    """The first link of a page to such an address."""
    found = re.search(rf'href="([^"]*{place}[^"]*)"', page)
    assert found, place
    return found[1].replace("&amp;", "&")


def test_a_balance_leads_down_to_the_operation_on_the_chain(busy: Books, desk: SignIn) -> None:
    client = desk("read_only")
    trial = text(client, f"/admin/finance/trial-balance/?marketplace={busy.id}")
    assert trial.count(">Balanced<") == 2
    accounts = text(
        client, linked(trial, r"finance/accounts/\?[^\"]*kind=available&amp;asset=USDC")
    )
    account = Account.objects.get(marketplace=busy.id, kind="available", user=busy.buyer)
    statement = text(client, linked(accounts, account.pk))
    assert "Why this balance is what it is" in statement
    line = account.postings.filter(entry__kind="split").get()
    entry = text(client, linked(statement, line.entry_id))
    assert line.entry.chain_hash in entry
    assert "op_2" in entry or "Ledger" in entry
    assert entry.count("<tbody><tr>") >= 1 and ">contract:" in entry


def test_the_running_balance_of_each_page_is_that_of_the_books(
    busy: Books, desk: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offerhub.desk.account.PER_PAGE", 2)
    for _ in range(5):
        busy.dust(3)
    client: Any = desk("finance")
    for kind, owner in (("suspense", ""), ("xlm", "GFEE"), ("available", busy.buyer.pk)):
        row = Account.objects.get(marketplace=busy.id, kind=kind, owner=owner)
        address, lines = f"/admin/finance/account/{row.pk}/", []
        while address:
            context = client.get(address).context_data
            lines += context["lines"]
            address = context["older"]
        assert len(lines) == row.postings.count() > 3
        assert lines[0].balance == busy.held(kind, owner, row.asset)
        for newer, older in pairwise(lines):
            assert newer.balance - newer.grown + newer.shrunk == older.balance
        assert lines[-1].balance == lines[-1].grown - lines[-1].shrunk


def test_a_statement_takes_as_many_statements_for_many_lines_as_for_few(
    books: Books, desk: SignIn
) -> None:
    client, counts = desk("finance"), []
    text(client, "/admin/finance/trial-balance/")  # what a first page asks for once
    for number in (1, 30):
        for _ in range(number):
            books.deposit(5)
        row = Account.objects.get(marketplace=books.id, kind="available")
        with Statements(connection) as seen:
            text(client, f"/admin/finance/account/{row.pk}/")
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 9


def test_the_trial_balance_of_the_past_is_shown_and_a_wrong_time_is_said(
    busy: Books, desk: SignIn
) -> None:
    client: Any = desk("support")
    where = f"/admin/finance/trial-balance/?marketplace={busy.id}"
    assert "Nothing was booked until then" in text(client, f"{where}&at=2020-01-01")
    now = client.get(f"{where}&at=2100-01-01&basis=recorded").context_data["assets"]
    assert [asset.debit for asset in now] == [asset.credit for asset in now]
    assert "must be a day such as" in text(client, f"{where}&at=yesterday")
    assert "must be a time zone" in text(client, f"{where}&at=2026-01-01&zone=Nowhere")


def test_flow_and_fees_are_those_of_the_books(busy: Books, desk: SignIn) -> None:
    client: Any = desk("read_only")
    flow, earned, network = client.get(
        f"/admin/finance/flow/?marketplace={busy.id}&days=14"
    ).context_data["charts"]
    assert flow.rows[-1].values == ["700.0000001 USDC", "140.0000001 USDC", "0.00 USDC"]
    assert earned.rows[-1].values == ["3.00 USDC"]
    assert network.rows[-1].values == [
        f"{busy.held('expense:network_fee', '', 'XLM') / 10**7:.5f} XLM"
    ]


def test_a_report_is_asked_for_followed_and_taken_and_the_audit_says_so(
    busy: Books, desk: SignIn
) -> None:
    client = desk("finance")
    home = text(client, "/admin/")
    form = text(client, linked(home, "period=last-month"))
    assert 'value="csv"' in form
    fields = {"marketplace": busy.id, "basis": "effective", "zone": "UTC", "format": "csv"}
    asked = client.post("/admin/finance/reports/new/?type=ledger.entries.v1", fields)
    page = asked.headers["Location"]
    assert "data-follow" in text(client, page)
    run = Run.objects.get(pk=page.split("/")[-2])
    making.make(run.pk)
    done = text(client, page)
    assert "data-follow" not in done and "Control totals" in done
    file = client.get(linked(done, "/file/"))
    body = b"".join(file.streaming_content)  # type: ignore[attr-defined]
    run.refresh_from_db()
    assert hashlib.sha256(body).hexdigest() == run.sha256
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert "attachment" in file.headers["Content-Disposition"]
    told = StaffAction.objects.filter(subject=run.pk).order_by("position")
    assert [row.action for row in told] == ["report.requested", "report.downloaded"]
    assert told[1].after == {"sha256": run.sha256, "bytes": run.bytes}
    assert "Ledger entries" in text(client, "/admin/finance/reports/")


@pytest.mark.parametrize("role", ["support", "senior_support", "read_only", "operations"])
def test_exporting_and_closing_are_for_finance_alone(busy: Books, desk: SignIn, role: str) -> None:
    run = make("ledger.entries.v1", marketplace=busy.id)
    client = desk(role)
    for address in ("reports/", "reports/new/", f"reports/{run.pk}/", f"reports/{run.pk}/file/"):
        assert client.get(f"/admin/finance/{address}").status_code == 403, address
    closed = client.post(f"/admin/finance/close/?marketplace={busy.id}", {"through": "2026-01-01"})
    assert closed.status_code == 403
    for address in ("ledger/entry/", "orders/order/", "payouts/withdrawal/"):
        assert "Export this view" not in text(client, f"/admin/{address}")
    assert "Export" not in text(client, "/admin/cases/")
    assert not Period.objects.filter(marketplace=busy.id).exists()


def exported(client: Client, address: str) -> list[dict[str, str]]:
    """The rows of a list's export, with the filters that are on its screen."""
    form = text(client, linked(text(client, address), r"reports/new/\?[^\"]*view="))
    action: Any = re.search(r'name="view" value="([^"]*)"', form)
    query: Any = re.search(r'name="query" value="([^"]*)"', form)
    fields = {
        "view": action[1],
        "query": (query[1] if query else "").replace("&amp;", "&"),
        "zone": "UTC",
        "format": "csv",
        "basis": "effective",
    }
    kind: Any = re.search(r"reports/new/\?type=([a-z0-9.]+)", text(client, address))
    place = client.post(f"/admin/finance/reports/new/?type={kind[1]}", fields).headers["Location"]
    run_id = place.split("/")[-2]
    making.make(run_id)
    run = Run.objects.get(pk=run_id)
    assert run.state == "DONE", run.problem
    body = b"".join(client.get(f"{place}file/").streaming_content).decode()  # type: ignore[attr-defined]
    rows = csv.DictReader(io.StringIO(body, newline=""))
    return [row for row in rows if not (row["marketplaceId"] or "").startswith("#")]


def test_an_export_of_a_list_has_the_rows_that_its_filters_show(books: Books, desk: SignIn) -> None:
    for number in range(4):
        Order.objects.create(
            marketplace=books.marketplace,
            buyer=books.buyer,
            seller=books.seller,
            external_ref=f"{books.id}-{number}",
            amount=10_000_000,
            milestones_left=1,
            updated_at=clock.now(),
            title=f"100 % of {number}",
        )
    books.deposit(5, description="a")
    client = desk("finance")
    found = exported(client, f"/admin/orders/order/?q={books.id}-2")
    assert [row["externalRef"] for row in found] == [f"{books.id}-2"]
    assert exported(client, f"/admin/orders/order/?status__exact=COMPLETED&q={books.id}-2") == []
    entry = Entry.objects.get(marketplace=books.id)
    lines = exported(client, f"/admin/ledger/entry/?q={entry.source}&kind__exact=deposit")
    assert {row["entryId"] for row in lines} == {entry.pk} and len(lines) == 2
    of_list = exported(
        client, f"/admin/ledger/entry/?marketplace={books.id}&source__startswith=dep"
    )
    assert {row["entryId"] for row in of_list} == {entry.pk}


def test_the_lists_of_the_desk_export_what_they_are_of(books: Books, desk: SignIn) -> None:
    client = desk("finance")
    for address, kind in (
        ("orders/order/", "orders.v1"),
        ("orders/escrow/", "escrows.v1"),
        ("disputes/dispute/", "disputes.v1"),
        ("payouts/withdrawal/", "withdrawals.v1"),
        ("deposits/deposit/", "deposits.v1"),
        ("ledger/entry/", "ledger.entries.v1"),
        ("reconciliation/difference/", "reconciliation.differences.v1"),
        ("cases/?tab=unassigned", "disputes.v1"),
        ("suspense/", "deposits.suspense.v1"),
    ):
        assert f"type={kind}" in linked(text(client, f"/admin/{address}"), "reports/new"), address
    assert "Export this view" not in text(client, "/admin/events/event/")
    exported(client, "/admin/cases/?tab=unassigned")


def test_what_the_form_is_told_wrongly_is_said_beside_the_field(busy: Books, desk: SignIn) -> None:
    client = desk("finance")
    fields = {"zone": "UTC", "format": "csv", "basis": "effective", "from": "soon"}
    answer = client.post("/admin/finance/reports/new/?type=ledger.entries.v1", fields)
    assert answer.status_code == 400
    assert "must be a day such as 2026-10-01" in answer.content.decode()
    assert 'value="soon"' in answer.content.decode()
    before = Run.objects.count()
    view = {**fields, "from": "", "view": "orders.order", "query": ""}
    assert (
        client.post("/admin/finance/reports/new/?type=ledger.entries.v1", view).status_code == 400
    )
    assert Run.objects.count() == before


def test_a_schedule_is_made_and_stopped(busy: Books, desk: SignIn) -> None:
    client = desk("finance")
    fields = {
        "marketplace": busy.id,
        "basis": "recorded",
        "zone": "Europe/Vienna",
        "format": "xlsx",
        "name": f"Books of {busy.id}",
        "cadence": "MONTHLY",
        "hour": "4",
        "recipients": "a@example.com\r\nb@example.com\r\n",
    }
    place = "/admin/finance/schedules/new/?type=ledger.entries.v1"
    assert 'name="cadence"' in text(client, place) and 'name="from"' not in text(client, place)
    assert client.post(place, fields).status_code == 302
    made = Schedule.objects.get(marketplace=busy.id)
    assert (made.cadence, made.hour, made.recipients) == (
        "MONTHLY",
        4,
        ["a@example.com", "b@example.com"],
    )
    assert f"Books of {busy.id}" in text(client, "/admin/finance/schedules/")
    client.post(f"/admin/finance/schedules/{made.pk}/", {"act": "stop"})
    made.refresh_from_db()
    assert made.is_active is False
    wrong = client.post(place, {**fields, "recipients": "nobody"})
    assert wrong.status_code == 400 and "must be an e-mail address" in wrong.content.decode()


def backdated(books: Books, days: int) -> None:
    """Capital that was put in so many days ago."""
    when = clock.now() - timedelta(days=days)
    capital(books, 1_000_000, source=f"capital:{days}", effective_at=when)


def test_a_closed_day_keeps_its_signed_totals_and_the_proof_can_be_checked(
    books: Books, desk: SignIn
) -> None:
    for days in (3, 2):
        backdated(books, days)
    client = desk("finance")
    yesterday = clock.now().date() - timedelta(days=1)
    place = f"/admin/finance/close/?marketplace={books.id}"
    assert client.post(place, {"through": clock.now().date().isoformat()}).status_code == 409
    assert client.post(place, {"through": "never"}).status_code == 400
    assert client.post(place, {"through": yesterday.isoformat()}).status_code == 302
    closing.sign_days(books.id)
    closed = Period.objects.filter(marketplace=books.id).order_by("day")
    assert len(closed) == 3 == Closing.objects.filter(period__marketplace=books.id).count()
    page = text(client, linked(text(client, place), f"/finance/close/{closed[1].pk}/"))
    assert ">Good<" in page and page.count(">Balanced<") == 1
    told = client.get(f"/admin/finance/close/{closed[1].pk}/proof.json").json()
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(told["publicKey"]))
    key.verify(base64.b64decode(told["signature"]), told["document"].encode())
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(told["signature"]), told["document"].encode() + b" ")
    document = json.loads(told["document"])
    assert document["assets"]["XLM"]["xlm"] == {
        "accounts": 1,
        "opening": 1_000_000,
        "debit": 1_000_000,
        "credit": 0,
        "closing": 2_000_000,
    }
    assert document["previous"] == Closing.objects.get(period=closed[0]).sha256
    assert hashlib.sha256(told["document"].encode()).hexdigest() == told["sha256"]
    action = StaffAction.objects.filter(subject=books.id, action="books.closed").get()
    assert action.after["through"] == yesterday.isoformat()
    assert client.post(place, {"through": yesterday.isoformat()}).status_code == 409

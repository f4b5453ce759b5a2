"""Handing files in through the API, links to them, and what they are served with."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from django.core.files.base import ContentFile
from django.test import Client

from disputes import services as disputes
from disputes.evidence import keeping, services
from disputes.evidence.kinds import Clean, Kind
from disputes.evidence.reading import Received, digest
from disputes.models import Dispute, Evidence
from disputes.states import Party
from offerhub.core import clock
from offerhub.core.errors import NotFound, WrongState
from offerhub.events.models import Event
from offerhub.marketplaces import staff
from tests.disputes.evidence import files
from tests.http import Api
from tests.world import World

POLICY = "sandbox; default-src 'none'"


@pytest.fixture
def dispute(world: World, api: Api) -> str:
    world.user("buyer", money="100")
    world.user("seller")
    order = world.funded(api, {"buyerId": "buyer", "sellerId": "seller", "amount": 100})
    body = {"orderId": order, "reason": "Not as described"}
    return str(api.post("/disputes", body, status=201)["id"])


def send(
    api: Api, dispute: str, content: bytes, name: str = "a.png", key: str = "", **fields: str
) -> requests.Response:
    """Hand a file in."""
    headers = {"Authorization": f"Bearer {api.key}"} | ({"Idempotency-Key": key} if key else {})
    return requests.post(
        f"{api.url}/disputes/{dispute}/evidence",
        data={"by": "buyer", **fields},
        files={"file": (name, content, "image/png")},
        headers=headers,
        timeout=60,
    )


def stored() -> int:
    """How many files the storage of today holds."""
    try:
        return len(keeping.storage().listdir(f"{datetime.now(UTC):%Y-%m-%d}")[1])
    except FileNotFoundError:
        return 0


def test_a_file_goes_in_clean_and_comes_out_as_an_attachment(api: Api, dispute: str) -> None:
    sent = files.located_jpeg()
    answer = send(api, dispute, sent, "C:\\My photo.JPG")
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["name"], body["kind"], body["by"]) == ("My photo.jpg", "jpeg", "buyer")
    assert body["receivedSha256"] == digest(sent) != body["sha256"]
    file = requests.get(body["url"], timeout=30)
    assert (file.status_code, digest(file.content)) == (200, body["sha256"])
    assert b"SpyPhone" not in file.content
    assert file.headers["Content-Type"] == "image/jpeg"
    assert file.headers["Content-Disposition"] == 'attachment; filename="My photo.jpg"'
    assert file.headers["Content-Security-Policy"] == POLICY
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert file.headers["Cache-Control"] == "private, no-store"
    preview = requests.get(body["previews"][0], timeout=30)
    assert preview.headers["Content-Type"] == "image/webp"
    assert preview.headers["Content-Security-Policy"] == POLICY
    assert preview.headers["Content-Disposition"] == "inline"
    assert [row["id"] for row in api.get(f"/disputes/{dispute}/evidence")["data"]] == [body["id"]]
    event = Event.objects.get(subject=dispute, type="dispute.evidence_added")
    assert event.payload["sha256"] == body["sha256"]


REFUSED: list[tuple[bytes, str, dict[str, str], int, str, str]] = [
    (b"<svg onload=alert(1)>", "a.png", {}, 422, "file_is_markup", "file"),
    (b"", "a.png", {}, 422, "file_empty", "file"),
    (files.image(), "a.pdf", {}, 422, "file_type_mismatch", "file"),
    (files.image() + files.archive(), "a.png", {}, 422, "file_has_data_after_end", "file"),
    (b"a" * 10_485_761, "a.txt", {}, 422, "file_too_large", "file"),
    (b"a" * (12 << 20), "a.txt", {}, 413, "payload_too_large", ""),
    (files.image(), "a.png", {"by": "stranger"}, 422, "invalid_reference", "by"),
    (files.image(), "a.png", {"statementId": "stm_x"}, 422, "invalid_reference", "statementId"),
    (files.image(), "a.png", {"colour": "red"}, 400, "invalid_request", "colour"),
]


def test_what_is_refused_names_the_field_and_leaves_nothing(api: Api, dispute: str) -> None:
    before = stored()
    for content, name, fields, status, code, field in REFUSED:
        answer = send(api, dispute, content, name, **fields)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert [e["field"] for e in answer.json().get("errors", [])] == ([field] if field else [])
    assert Evidence.objects.filter(dispute=dispute).count() == 0
    assert stored() == before
    assert not Event.objects.filter(subject=dispute, type="dispute.evidence_added").exists()


def test_a_body_that_is_no_upload_is_refused(api: Api, dispute: str) -> None:
    api.post(f"/disputes/{dispute}/evidence", {"by": "buyer"}, status=415)


def test_a_repeat_with_the_same_key_adds_nothing(api: Api, dispute: str) -> None:
    before = stored()
    first, again = (send(api, dispute, files.image(), key="once") for _ in range(2))
    assert (first.content, again.headers["Idempotent-Replayed"]) == (again.content, "true")
    other = send(api, dispute, files.image("PNG", (9, 9)), key="once")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Evidence.objects.filter(dispute=dispute).count() == 1
    assert stored() == before + 2  # the file and its preview


@pytest.mark.parametrize("twice", ["by", "file"])
def test_a_part_that_is_sent_twice_is_refused(api: Api, dispute: str, twice: str) -> None:
    parts: list[Any] = [("by", (None, "buyer")), ("file", ("a.txt", b"hello", "text/plain"))]
    parts += [part for part in parts if part[0] == twice]
    answer = requests.post(
        f"{api.url}/disputes/{dispute}/evidence",
        files=parts,
        headers={"Authorization": f"Bearer {api.key}"},
        timeout=60,
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert Evidence.objects.filter(dispute=dispute).count() == 0


def test_another_marketplace_sees_and_adds_nothing(world: World, server: str, dispute: str) -> None:
    other = Api(server, World(world.network).key())
    assert send(other, dispute, files.image()).status_code == 404
    other.get(f"/disputes/{dispute}/evidence", status=404)
    reader = Api(server, world.key("disputes:read"))
    assert send(reader, dispute, files.image()).status_code == 403
    assert Evidence.objects.filter(dispute=dispute).count() == 0


# --- the service ----------------------------------------------------------------------------------
def add(world: World, dispute: str, text: bytes = b"hello", **more: Any) -> Evidence:
    """A text file, without the way through the API."""
    file = Clean(Kind.TEXT, text)
    return services.add_evidence(
        marketplace_id=world.marketplace.id,
        dispute_id=dispute,
        party=Party.BUYER,
        received=Received(file, "a.txt", digest(text), digest(text)),
        stored_as=more.get("stored_as") or keeping.keep(file),
        actor=world.actor,
    )


def test_the_twenty_first_file_is_refused_also_when_two_come_at_once(
    world: World, api: Api, dispute: str
) -> None:
    for _ in range(19):
        add(world, dispute)
    answers: list[int] = []
    threads = [
        threading.Thread(
            target=lambda n=n: answers.append(
                send(api, dispute, b"text %d" % n, "a.txt").status_code
            )
        )
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201, 409, 409]
    assert Evidence.objects.filter(dispute=dispute).count() == 20


def test_a_closed_dispute_takes_no_file(world: World, api: Api, dispute: str) -> None:
    api.post(f"/disputes/{dispute}/resolve", {"decision": "REFUND"})
    before = stored()
    assert send(api, dispute, files.image()).status_code == 409
    with pytest.raises(WrongState):
        add(world, dispute, stored_as="none")
    assert stored() == before


def test_a_file_is_an_answer_of_the_party_that_was_asked(world: World, dispute: str) -> None:
    disputes.ask_party(dispute_id=dispute, party=Party.BUYER, text="Show it", actor=world.actor)
    add(world, dispute)
    assert Dispute.objects.get(pk=dispute).status == "UNDER_REVIEW"


# --- links ----------------------------------------------------------------------------------------
def test_a_link_ends_after_five_minutes(
    world: World, dispute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = add(world, dispute)
    token, now = services.signed_link(row), clock.now()
    assert services.opened(token) == (row, 0)
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=4, seconds=58))
    assert services.opened(token) == (row, 0)
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=5, seconds=1))
    with pytest.raises(NotFound, match="expired"):
        services.opened(token)


def test_a_link_that_was_changed_or_is_of_another_dispute_opens_nothing(
    world: World, server: str, dispute: str
) -> None:
    row = add(world, dispute)
    token = services.signed_link(row)
    body, _, signature = token.rpartition(":")
    moved = services._SIGNER.sign_object([row.pk, "dsp_other", 0, 2**40])
    for changed in (token[:-1], body, f"{body}x:{signature}", moved, "x", row.pk):
        with pytest.raises(NotFound):
            services.opened(changed)
        answer = requests.get(f"{server}/evidence/{changed}", timeout=30)
        assert (answer.status_code, b"hello" in answer.content) == (404, False)
    assert requests.get(f"{server}/evidence/{token}", timeout=30).content == b"hello"
    assert requests.post(f"{server}/evidence/{token}", timeout=30).status_code in (403, 405)


def test_a_file_that_no_row_names_is_swept_and_no_other(world: World, dispute: str) -> None:
    before = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"
    kept = f"{before}/{digest(dispute.encode())[:48]}"
    lost = f"{before}/{digest(b'lost' + dispute.encode())[:48]}"
    for name in (kept, lost, f"{lost}.1"):
        keeping.storage().save(name, ContentFile(b"x"))
    add(world, dispute, stored_as=kept)
    assert services.sweep_orphans() == 2
    found = [keeping.storage().exists(name) for name in (kept, lost, f"{lost}.1")]
    assert found == [True, False, False]


def test_the_desk_may_save_and_see_a_file_and_nobody_else(
    world: World, api: Api, dispute: str, settings: Any
) -> None:
    settings.STAFF_CODE_OPTIONAL = True
    evidence = send(api, dispute, files.pdf(2), "Bill.pdf").json()["id"]
    file, preview = f"/admin/evidence/{evidence}/", f"/admin/evidence/{evidence}/preview/2/"
    for roles, status in ((("read_only",), 200), ((), 403)):
        name = f"p{digest(evidence.encode())[:12]}{len(roles)}"
        made = staff.create_staff(username=name, password="correct horse battery", roles=roles)
        client = Client()
        client.force_login(made.user, "django.contrib.auth.backends.ModelBackend")
        answers: list[Any] = [client.get(file), client.get(preview)]
        assert [answer.status_code for answer in answers] == [status, status]
        if status == 200:
            content = [b"".join(answer.streaming_content) for answer in answers]
            assert [body[:4] for body in content] == [b"%PDF", b"RIFF"]
            saved = answers[0].headers["Content-Disposition"]
            assert saved == 'attachment; filename="Bill.pdf"'
            types = [answer.headers["Content-Type"] for answer in answers]
            assert types == ["application/pdf", "image/webp"]
            assert {answer.headers["Content-Security-Policy"] for answer in answers} == {POLICY}
            assert client.get(f"/admin/evidence/{evidence}/preview/3/").status_code == 404
            assert client.post(file).status_code == 405
    assert [Client().get(page).status_code for page in (file, preview)] == [302, 302]
